import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { membersOf, octets } from "./der.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();

/** A number in big-endian bytes. */
function uint(value: number | bigint, bytes: number): Buffer {
  return Buffer.from(
    BigInt(value)
      .toString(16)
      .padStart(bytes * 2, "0"),
    "hex",
  );
}

/** Bytes with their length before them. */
const sized = (bytes: Buffer, lengthBytes: number) => Buffer.concat([uint(bytes.length, lengthBytes), bytes]);

/** The certificate to be signed: the first member of a certificate in DER. */
export const certificateBody = (certificate: Buffer): Buffer => membersOf(certificate)[0] ?? Buffer.of();

/**
 * A certificate transparency log (RFC 6962). It promises to record a certificate, and the certificate contains the promise.
 */
export function createCertificateLog() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = publicKey.export({ type: "spki", format: "der" });
  const logId = sha256(key);
  return {
    /** The member of a trusted root. */
    trusted: {
      baseUrl: "https://ctfe.test",
      hashAlgorithm: "SHA2_256",
      publicKey: {
        rawBytes: key.toString("base64"),
        keyDetails: "PKIX_ECDSA_P256_SHA_256",
        validFor: { start: "2020-01-01T00:00:00Z" },
      },
      logId: { keyId: logId.toString("base64") },
    },

    /** The value of the extension with the promise, in DER. `body` is the certificate to be signed, without it. */
    promise(body: Buffer, issuerKey: Buffer, at: Date): Buffer {
      const timestamp = uint(at.getTime(), 8);
      const entry = Buffer.concat([uint(1, 2), sha256(issuerKey), sized(body, 3), uint(0, 2)]);
      const signature = sign("sha256", Buffer.concat([Buffer.of(0, 0), timestamp, entry]), privateKey);
      const algorithm = Buffer.of(4, 3);
      const promise = Buffer.concat([
        ...[Buffer.of(0), logId, timestamp, uint(0, 2), algorithm],
        sized(signature, 2),
      ]);
      const list = sized(sized(promise, 2), 2);
      return octets(list);
    },
  };
}
