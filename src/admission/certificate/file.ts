import { createPrivateKey, type X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { authoritiesOf, joinAuthorities } from "./bundle.ts";
import {
  type CertificateSource,
  OVERLAP_MS,
  type PublishedAuthorities,
  type SourcedCertificates,
} from "./rotator.ts";

/** Texts of `tls.crt`, `tls.key` and `ca.crt`, as cert-manager and `kubectl create secret tls` name them. */
export interface CertificateFiles {
  certificate: string;
  key: string;
  /** Empty: the certificate signs itself. */
  authority: string;
}

/** The kubelet updates the files of a Secret about once a minute. */
const POLL_MS = 10_000;

/** Certificates of a folder, which cert-manager or an administrator renews. A change is served without a restart. */
export function createCertificateFiles(deps: {
  read: () => Promise<CertificateFiles>;
  published: PublishedAuthorities;
  names: readonly string[];
  now: () => Date;
  pollMs?: number;
}): CertificateSource {
  const { read, published, names, now, pollMs = POLL_MS } = deps;
  // Other replicas may receive the new files later. Until then they serve under these CAs.
  const inherited = published.current().map(String);
  const inheritedUntil = now().getTime() + OVERLAP_MS;
  let last: CertificateFiles | undefined;

  return {
    async current(earlier) {
      const files = await read();
      last = files;
      const at = now();
      const found = checkedCertificates(files, names, at);
      const others = at.getTime() < inheritedUntil ? inherited : [];
      return { ...found, caBundle: joinAuthorities([found.caBundle, ...earlier, ...others], at) };
    },
    onChange(handler, signal) {
      const timer = setInterval(async () => {
        const files = await read().catch(() => undefined);
        if (files !== undefined && JSON.stringify(files) !== JSON.stringify(last)) handler();
      }, pollMs);
      signal.addEventListener("abort", () => clearInterval(timer), { once: true });
    },
  };
}

/** Throws an error that names the file and the remedy when the files cannot serve under these names. */
function checkedCertificates(
  { certificate, key, authority }: CertificateFiles,
  names: readonly string[],
  at: Date,
): SourcedCertificates {
  const chain = authoritiesOf(certificate);
  const [leaf] = chain;
  const last = chain.at(-1);
  if (leaf === undefined || last === undefined) throw new Error("tls.crt has no certificate: write PEM");
  if (!hasKey(leaf, key)) throw new Error("tls.key is not the key of tls.crt: write the pair together");
  if (Date.parse(leaf.validTo) <= at.getTime())
    throw new Error(`tls.crt expired at ${leaf.validTo}: renew it`);
  const missing = names.filter((name) => !hasName(leaf, name));
  if (missing.length > 0)
    throw new Error(`tls.crt lacks the names ${missing.join(", ")}: issue a certificate for them`);
  const authorities = authoritiesOf(authority === "" ? certificate : authority);
  const issuer = authorities.find((ca) => last.checkIssued(ca) && last.verify(ca.publicKey));
  if (issuer === undefined)
    throw new Error(
      "ca.crt does not hold the CA that issued tls.crt: add it, so that API servers trust tls.crt",
    );
  const caCertificate = issuer.toString();
  return { certificate, key, caCertificate, caBundle: joinAuthorities([caCertificate, authority], at) };
}

function hasKey(leaf: X509Certificate, key: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

const hasName = (leaf: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) !== undefined;
