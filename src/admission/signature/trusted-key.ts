import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { ed25519ph } from "@noble/curves/ed25519.js";

const ACCEPTED = "ECDSA P-256 or P-384, RSA of at least 2048 bits, or Ed25519";
const MIN_RSA_BITS = 2048;

/** Reads a public key in PEM. Throws: the message completes "publicKey". */
export function parseTrustedKey(pem: string): KeyObject {
  const key = keyOf(pem);
  if (key === undefined)
    throw new Error(
      "must be a public key in PEM: paste the file cosign.pub, from -----BEGIN PUBLIC KEY-----",
    );
  if (hashesOf(key).length === 0) throw new Error(`must be ${ACCEPTED}: sign with such a key`);
  return key;
}

/** The reason why admission cannot trust a key, as the end of a sentence about `publicKey`; undefined for a good key. */
export function trustedKeyProblem(pem: string): string | undefined {
  try {
    parseTrustedKey(pem);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Whether the key's owner signed the bytes. */
export function isSignedByKey(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return (
    hashesOf(key).some((hash) => verify(hash, message, key, signature)) ||
    (key.asymmetricKeyType === "ed25519" && isSignedByEd25519ph(key, message, signature))
  );
}

/** cosign 3 signs with Ed25519ph, earlier versions with Ed25519. Node has only the latter. */
function isSignedByEd25519ph(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  const { x = "" } = key.export({ format: "jwk" });
  try {
    // Without ZIP 215, exactly the encodings of RFC 8032 count.
    return ed25519ph.verify(signature, message, Buffer.from(x, "base64url"), { zip215: false });
  } catch {
    return false;
  }
}

function keyOf(pem: string): KeyObject | undefined {
  // Node also reads private keys and certificates, and takes their public key.
  if (!/^\s*-----BEGIN PUBLIC KEY-----/.test(pem)) return undefined;
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}

/**
 * The hashes that cosign signs with for a kind of key; none for a kind that is not accepted. Ed25519 hashes the message
 * itself. For P-384, cosign uses SHA-256 in the classic format and SHA-384 in bundles. RSA is with PKCS #1 v1.5 padding,
 * Node's default.
 */
function hashesOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): (string | null)[] {
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails;
  if (asymmetricKeyType === "ed25519") return [null];
  if (asymmetricKeyType === "ec" && namedCurve === "prime256v1") return ["sha256"];
  if (asymmetricKeyType === "ec" && namedCurve === "secp384r1") return ["sha256", "sha384"];
  if (asymmetricKeyType === "rsa" && modulusLength >= MIN_RSA_BITS) return ["sha256"];
  return [];
}
