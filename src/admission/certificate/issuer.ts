import { X509Certificate } from "node:crypto";
import { authoritiesOf } from "./bundle.ts";
import { isDue, issueCertificates, type ServingCertificates, usableCertificates } from "./certificate.ts";
import { type CertificateSource, OVERLAP_MS, type PublishedAuthorities } from "./rotator.ts";

/** The store in which the replicas share one set of certificates. */
export interface CertificateStore {
  /**
   * The stored certificates, valid or not, and the version that a write must name. Both are undefined when nothing is
   * stored.
   */
  read(): Promise<{
    stored: Partial<Record<keyof ServingCertificates, string>>;
    version: string | undefined;
  }>;
  /** False when another replica wrote first. */
  write(certificates: ServingCertificates, version: string | undefined): Promise<boolean>;
  onChange(handler: () => void, signal: AbortSignal): void;
}

/** Certificates that the operator makes and renews, in the store that its replicas share. */
export function createCertificateIssuer(deps: {
  store: CertificateStore;
  published: PublishedAuthorities;
  /** Names that the certificate must have. */
  names: readonly string[];
  now: () => Date;
}): CertificateSource {
  const { store, published, names, now } = deps;

  async function dueAfter(
    current: ServingCertificates | undefined,
    earlier: readonly string[],
  ): Promise<ServingCertificates> {
    const at = now();
    if (current === undefined || isDue(current, names, at))
      return issueCertificates(names, at, current, [...earlier, ...published.current().map(String)]);
    const ageMs = at.getTime() - Date.parse(new X509Certificate(current.certificate).validFrom);
    const isOverlapOver = ageMs > OVERLAP_MS && authoritiesOf(current.caBundle).length > 1;
    return isOverlapOver ? { ...current, caBundle: current.caCertificate } : current;
  }

  return {
    async current(earlier) {
      for (;;) {
        const { stored, version } = await store.read();
        const usable = usableCertificates(stored);
        const next = await dueAfter(usable, earlier);
        if (next === usable || (await store.write(next, version))) return next;
        // Another replica wrote first. Read what it wrote.
      }
    },
    onChange: (handler, signal) => store.onChange(handler, signal),
  };
}
