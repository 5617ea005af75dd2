import { createPrivateKey, X509Certificate } from "node:crypto";
import type { ServingCertificates } from "./certificate.ts";

/** Bundles are sent with every webhook configuration: the newest few are enough for any overlap. */
const MAX_AUTHORITIES = 4;

/** The certificates in PEM texts, each once, in their order; what is none is left out. */
export function authoritiesOf(...texts: string[]): X509Certificate[] {
  const blocks = texts.flatMap(
    (text) => text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [],
  );
  const found = new Map<string, X509Certificate>();
  for (const certificate of blocks.flatMap((block) => readable(() => new X509Certificate(block)) ?? []))
    if (!found.has(certificate.fingerprint256)) found.set(certificate.fingerprint256, certificate);
  return [...found.values()];
}

/** One bundle of several, the most important first: each CA once, without those that have ended. */
export function joinAuthorities(bundles: readonly string[], now: Date): string {
  return authoritiesOf(...bundles)
    .filter(({ validTo }) => Date.parse(validTo) > now.getTime())
    .slice(0, MAX_AUTHORITIES)
    .map((certificate) => certificate.toString())
    .join("");
}

/** The CAs that all of these bundles have: what is believed whichever of them is looked at. */
export function commonAuthorities([first = "", ...others]: readonly string[]): X509Certificate[] {
  const read = others.map((bundle) => authoritiesOf(bundle));
  return authoritiesOf(first).filter((certificate) =>
    read.every((bundle) => carries(bundle, certificate.toString())),
  );
}

/** Whether somebody who believes these CAs believes what that CA signs. */
export function carries(bundle: readonly X509Certificate[], caCertificate: string): boolean {
  const wanted = authoritiesOf(caCertificate)[0]?.fingerprint256;
  return bundle.some(({ fingerprint256 }) => fingerprint256 === wanted);
}

/**
 * What was stored, when it can serve: every part is there and readable, each key is its certificate's, and the CA signed
 * the one and is in the bundle. Undefined for anything less, whoever wrote it.
 */
export function usableCertificates(
  stored: Partial<Record<keyof ServingCertificates, string>>,
): ServingCertificates | undefined {
  const { caBundle, caCertificate, caKey, certificate, key } = stored;
  if (!caBundle || !caCertificate || !caKey || !certificate || !key) return undefined;
  const isWhole = readable(() => {
    const [ca, leaf] = [new X509Certificate(caCertificate), new X509Certificate(certificate)];
    return (
      leaf.checkIssued(ca) &&
      leaf.verify(ca.publicKey) &&
      ca.checkPrivateKey(createPrivateKey(caKey)) &&
      leaf.checkPrivateKey(createPrivateKey(key)) &&
      carries(authoritiesOf(caBundle), caCertificate)
    );
  });
  return isWhole === true ? { caBundle, caCertificate, caKey, certificate, key } : undefined;
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
