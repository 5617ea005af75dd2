import type { Bundle } from "@sigstore/bundle";

/** A signature that a registry stores for an artifact, in either format of cosign. It is not verified yet. */
export interface StoredSignature {
  /** The digest that the signed statement names. The signature counts for this digest and for no other. */
  digest: string;
  /** The bytes that were signed. */
  message: Buffer;
  signature: Uint8Array;
  /** The evidence for a keyless signature. Absent when the signature was made with a key. */
  keyless?: Bundle;
}

/** Only the first signatures of each format are read, because each costs one or two requests. */
export const MAX_SIGNATURES = 16;
