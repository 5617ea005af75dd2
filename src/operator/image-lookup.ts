import { parseReference } from "../admission/rules/reference.ts";
import type { OciClient } from "../admission/signature/oci-client.ts";
import type { FindImage } from "../controllers/billing-release/image-check.ts";

/** Asks a registry for an image by its digest, with the mirrors and pull secrets of signature checks. */
export function createImageLookup(client: Pick<OciClient, "manifest">): FindImage {
  return async function findImage(image, signal) {
    const reference = parseReference(image);
    if (reference.kind === "invalid") throw new Error(reference.problem);
    return (await client.manifest(reference, reference.digest, signal)) !== undefined;
  };
}
