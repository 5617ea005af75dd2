import { randomBytes, type webcrypto } from "node:crypto";
// @peculiar/x509 needs reflect-metadata to be loaded first.
import "reflect-metadata";

import * as x509 from "@peculiar/x509";

export const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
export const serialNumber = () => `00${randomBytes(8).toString("hex")}`;

/** An authority that issues certificates for signing code, as Fulcio does. */
export async function createAuthority() {
  const keys = (await crypto.subtle.generateKey(ALGORITHM, true, [
    "sign",
    "verify",
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: "CN=fulcio.test",
    notBefore: new Date("2020-01-01T00:00:00Z"),
    notAfter: new Date("2100-01-01T00:00:00Z"),
    keys: keys as never,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never),
    ],
  });
  return { certificate, privateKey: keys.privateKey };
}

/** A text in DER, of fewer than 128 bytes. */
export const utf8String = (text: string) => Buffer.concat([Buffer.of(0x0c, text.length), Buffer.from(text)]);
