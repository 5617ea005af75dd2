import { X509Certificate } from "node:crypto";

/** Every webhook configuration carries a bundle, so it is kept small. The newest few cover any overlap of CAs. */
const MAX_AUTHORITIES = 4;

/** The certificates in PEM texts, each once and in order. Unreadable parts are left out. */
export function authoritiesOf(...texts: string[]): X509Certificate[] {
  const blocks = texts.flatMap(
    (text) => text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [],
  );
  const found = new Map<string, X509Certificate>();
  for (const certificate of blocks.flatMap(parseCertificate))
    if (!found.has(certificate.fingerprint256)) found.set(certificate.fingerprint256, certificate);
  return [...found.values()];
}

/** One bundle from several, the most important first: each CA once, without expired ones. */
export function joinAuthorities(bundles: readonly string[], now: Date): string {
  return authoritiesOf(...bundles)
    .filter(({ validTo }) => Date.parse(validTo) > now.getTime())
    .slice(0, MAX_AUTHORITIES)
    .map((certificate) => certificate.toString())
    .join("");
}

/** The CAs that are in every one of these bundles. */
export function commonAuthorities([first = "", ...others]: readonly string[]): X509Certificate[] {
  const read = others.map((bundle) => authoritiesOf(bundle));
  return authoritiesOf(first).filter((certificate) =>
    read.every((bundle) => hasAuthority(bundle, certificate.toString())),
  );
}

/** Whether the bundle contains this CA. */
export function hasAuthority(bundle: readonly X509Certificate[], caCertificate: string): boolean {
  const wanted = authoritiesOf(caCertificate)[0]?.fingerprint256;
  return bundle.some(({ fingerprint256 }) => fingerprint256 === wanted);
}

function parseCertificate(pem: string): X509Certificate[] {
  try {
    return [new X509Certificate(pem)];
  } catch {
    return [];
  }
}
