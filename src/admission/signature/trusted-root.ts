import { TrustedRoot as TrustedRootMessage } from "@sigstore/protobuf-specs";
import { type TrustMaterial, toTrustMaterial } from "@sigstore/verify";
import { isMap } from "../../api/object.ts";
import { sha256Digest } from "../../platform/canonical-json.ts";

/** The certificate authorities and logs that vouch for keyless signatures. */
export interface TrustedRoot {
  /** `sha256:…` of its text. A verification counts for the root that it was made with. */
  digest: string;
  material: TrustMaterial;
}

/** Reads a Sigstore trusted root in JSON. Nothing is fetched. Throws: the message completes "trusted-root.json". */
export function parseTrustedRoot(text: string): TrustedRoot {
  const material = materialOf(text);
  if (material === undefined)
    throw new Error("must be a Sigstore trusted root in JSON: make one with cosign trusted-root create");
  if (material.certificateAuthorities.length === 0)
    throw new Error("must have certificateAuthorities: add the certificates of your Fulcio");
  if (material.tlogs.length === 0) throw new Error("must have tlogs: add the key of your Rekor log");
  return { digest: sha256Digest(text), material };
}

function materialOf(text: string): TrustMaterial | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isMap(json) ? toTrustMaterial(TrustedRootMessage.fromJSON(json)) : undefined;
  } catch {
    return undefined;
  }
}
