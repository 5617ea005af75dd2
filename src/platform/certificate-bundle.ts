import { X509Certificate } from "node:crypto";

/** About the size of all public authorities together. */
const MAX_BUNDLE_BYTES = 256 * 1024;

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;

/**
 * The certificates of a PEM text, without the text between them, which may be comments. Throws when the text has no
 * certificate, an unreadable one, or anything besides certificates, such as a private key. The message ends `it must …`, and
 * never contains the text.
 */
export function parseCertificateBundle(text: string): string {
  if (Buffer.byteLength(text) > MAX_BUNDLE_BYTES)
    throw new Error(`have at most ${MAX_BUNDLE_BYTES / 1024} KiB`);
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0 || blocks.some(([, label]) => label !== "CERTIFICATE"))
    throw new Error("be one or more certificates in PEM, and nothing else");
  return blocks.map(([block]) => readCertificate(block)).join("");
}

function readCertificate(pem: string): string {
  try {
    return new X509Certificate(pem).toString();
  } catch {
    throw new Error("be certificates in PEM that can be read");
  }
}
