import { createHash, KeyObject, sign, type webcrypto } from "node:crypto";
// @peculiar/x509 needs reflect-metadata to be loaded first.
import "reflect-metadata";

import * as x509 from "@peculiar/x509";
import { der, generalizedTime, integer, membersOf, octets, oid, sequence, set } from "./der.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"));
const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const SIGNED_DATA = oid("1.2.840.113549.1.7.2");
const TIMESTAMP = oid("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE = oid("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST = oid("1.2.840.113549.1.9.4");
const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const newKeys = async () =>
  (await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;

/** A timestamp authority (RFC 3161), which certifies the time at which it received a signature. */
export async function createTimestampAuthority() {
  const [rootKeys, keys] = [await newKeys(), await newKeys()];
  const validity = {
    notBefore: new Date("2020-01-01T00:00:00Z"),
    notAfter: new Date("2100-01-01T00:00:00Z"),
    signingAlgorithm: ALGORITHM,
  };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ serialNumber: "01", name: "CN=tsa-root.test", keys: rootKeys as never, ...validity },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey as never),
    ],
  });
  const leaf = await x509.X509CertificateGenerator.create({
    ...{ serialNumber: "02", subject: "CN=tsa.test", issuer: root.subject, ...validity },
    publicKey: keys.publicKey as never,
    signingKey: rootKeys.privateKey as never,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([TIME_STAMPING], true),
      await x509.AuthorityKeyIdentifierExtension.create(root.publicKey),
    ],
  });
  const [, serial = Buffer.of(), , issuer = Buffer.of()] = membersOf(
    membersOf(Buffer.from(leaf.rawData))[0] ?? Buffer.of(),
  );
  const raw = ({ rawData }: x509.X509Certificate) => ({ rawBytes: Buffer.from(rawData).toString("base64") });
  const privateKey = KeyObject.from(keys.privateKey);

  return {
    /** The member of a trusted root. */
    trusted: {
      uri: "https://tsa.test",
      subject: { organization: "test", commonName: "tsa.test" },
      certChain: { certificates: [raw(leaf), raw(root)] },
      validFor: { start: "2020-01-01T00:00:00Z" },
    },

    /** The response about a signature, in base64. */
    timestamp(signature: Buffer, at: Date): string {
      const info = sequence(
        ...[integer(1), oid("1.2.3.4"), sequence(SHA256, octets(sha256(signature)))],
        ...[integer(7), generalizedTime(at)],
      );
      const attributes = [
        sequence(CONTENT_TYPE, set(TIMESTAMP)),
        sequence(MESSAGE_DIGEST, set(octets(sha256(info)))),
      ];
      const signer = sequence(
        ...[integer(1), sequence(issuer, serial), SHA256, der(0xa0, ...attributes), ECDSA_SHA256],
        octets(sign("sha256", set(...attributes), privateKey)),
      );
      const content = sequence(TIMESTAMP, der(0xa0, octets(info)));
      const signed = sequence(integer(3), set(SHA256), content, set(signer));
      return sequence(sequence(integer(0)), sequence(SIGNED_DATA, der(0xa0, signed))).toString("base64");
    },
  };
}
