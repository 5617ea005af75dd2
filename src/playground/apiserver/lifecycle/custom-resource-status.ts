import { type ApiObject, type Json, listOf, recordOf } from "../object.ts";
import type { CrdSpec } from "./custom-resource-type.ts";

/** The status of a CRD: the accepted names, the conditions and the stored versions. `at` is the time of a transition. */
export function crdStatus(crd: ApiObject, others: Iterable<ApiObject>, at: string): Json {
  const clash = nameConflict(crd, others);
  const { names, versions } = crd.spec as CrdSpec;
  const status = recordOf(crd.status);
  const accepted = {
    type: "NamesAccepted",
    status: "True",
    reason: "NoConflicts",
    message: "no conflicts found",
  };
  const established = {
    type: "Established",
    status: "True",
    reason: "InitialNamesAccepted",
    message: "the initial names have been accepted",
  };
  const conditions: Json[] =
    clash === undefined
      ? [accepted, established]
      : [
          { ...accepted, status: "False", reason: "NameConflict", message: clash },
          { ...established, status: "False", reason: "NotAccepted", message: "not all names are accepted" },
        ];
  const storageVersion = versions.find(({ storage }) => storage === true)?.name ?? "";
  return {
    acceptedNames: clash === undefined ? names : { kind: "", plural: "" },
    conditions: conditions.map((condition) => stable(condition, listOf(status.conditions) as Json[], at)),
    storedVersions: [...new Set([...(listOf(status.storedVersions) as string[]), storageVersion])],
  };
}

/** The name that another CRD of the group already has, as text; undefined when all names are free. */
function nameConflict(crd: ApiObject, others: Iterable<ApiObject>): string | undefined {
  const { group, names } = crd.spec as CrdSpec;
  for (const other of others) {
    const theirs = other.spec as CrdSpec;
    if (other.metadata.uid === crd.metadata.uid || theirs.group !== group) continue;
    if (!hasCondition(other, "NamesAccepted")) continue;
    const taken = [theirs.names.plural, theirs.names.singular, ...(theirs.names.shortNames ?? [])];
    const wanted = [names.plural, names.singular, ...(names.shortNames ?? [])];
    const clash = wanted.find((name) => name !== undefined && taken.includes(name));
    if (clash !== undefined) return `${JSON.stringify(clash)} is already in use`;
    if (theirs.names.kind === names.kind) return `${JSON.stringify(names.kind)} is already in use`;
  }
  return undefined;
}

export function hasCondition(object: ApiObject, type: string): boolean {
  return listOf(recordOf(object.status).conditions).some(
    (condition) => recordOf(condition).type === type && recordOf(condition).status === "True",
  );
}

/** A condition keeps the time of its last transition. */
function stable(condition: Json, known: readonly Json[], at: string): Json {
  const before = known.find(({ type }) => type === condition.type);
  const unchanged = before !== undefined && before.status === condition.status;
  return { lastTransitionTime: unchanged ? before.lastTransitionTime : at, ...condition };
}
