import { GROUP } from "../../api/kind.ts";
import { listOf, mapOf, textOf } from "../../api/object.ts";
import type { ClusterFacts, Violation } from "./fact.ts";
import { type AdmissionInput, storesObject } from "./request.ts";

/**
 * An object of any namespace may name a cluster-scoped owner, and then a deletion of the owner in the foreground waits for
 * the object. With a finalizer in it, the platform could not delete a Sovereign, an Organization or a namespace of others.
 */
export function ownerReferenceRule(
  input: AdmissionInput,
  { isForeignNamespace }: Pick<ClusterFacts, "isForeignNamespace">,
): Violation[] {
  if (!storesObject(input)) return [];
  const known = new Set(ownersOf(input.oldObject).map((owner) => JSON.stringify(owner)));
  return ownersOf(input.object).flatMap((owner, index) => {
    const { apiVersion, kind, name, blockOwnerDeletion } = mapOf(owner);
    if (blockOwnerDeletion !== true || known.has(JSON.stringify(owner))) return [];
    const isPlatforms = textOf(apiVersion).startsWith(`${GROUP}/`);
    const isForeign = apiVersion === "v1" && kind === "Namespace" && isForeignNamespace(textOf(name));
    if (!isPlatforms && !isForeign) return [];
    return [
      {
        rule: isPlatforms ? "platform-kind" : "namespace-guarded",
        path: `metadata.ownerReferences[${index}].blockOwnerDeletion`,
        message: `the platform could not delete ${textOf(kind)} ${textOf(name)} before this object; remove this field`,
      },
    ];
  });
}

const ownersOf = (object: AdmissionInput["object"]) => listOf(object?.metadata?.ownerReferences);
