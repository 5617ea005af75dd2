import { type ApiObject, hasCondition, type JsonObject, listOf, recordOf, recordsOf } from "../object.ts";
import type { CrdSpec } from "./custom-resource-type.ts";

/** The status of a CRD: the accepted names, the conditions and the stored versions. `at` is the time of a transition. */
export function crdStatus(crd: ApiObject, others: Iterable<ApiObject>, at: string): JsonObject {
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
  const conditions: JsonObject[] =
    clash === undefined
      ? [accepted, established]
      : [
          { ...accepted, status: "False", ...clash },
          { ...established, status: "False", reason: "NotAccepted", message: "not all names are accepted" },
        ];
  const storageVersion = versions.find(({ storage }) => storage === true)?.name ?? "";
  return {
    acceptedNames: clash === undefined ? names : { kind: "", plural: "" },
    conditions: conditions.map((condition) => stable(condition, recordsOf(status.conditions), at)),
    storedVersions: [...new Set([...(listOf(status.storedVersions) as string[]), storageVersion])],
  };
}

interface NameConflict {
  reason: string;
  message: string;
}

/** A name that another CRD of the group already has; undefined when all names are free. Kubernetes reports the last. */
function nameConflict(crd: ApiObject, others: Iterable<ApiObject>): NameConflict | undefined {
  const { group, names } = crd.spec as CrdSpec;
  const [resources, kinds] = [new Set<string>(), new Set<string>()];
  for (const other of others) {
    const theirs = other.spec as CrdSpec;
    if (other.metadata.uid === crd.metadata.uid || theirs.group !== group) continue;
    if (!hasCondition(other, "NamesAccepted")) continue;
    const { plural, singular = "", shortNames = [], kind, listKind = "" } = theirs.names;
    for (const name of [plural, singular, ...shortNames]) resources.add(name);
    for (const name of [kind, listKind]) kinds.add(name);
  }
  const wanted: [reason: string, name: string | undefined, taken: Set<string>][] = [
    ["PluralConflict", names.plural, resources],
    ["SingularConflict", names.singular, resources],
    ...(names.shortNames ?? []).map((name): [string, string, Set<string>] => [
      "ShortNamesConflict",
      name,
      resources,
    ]),
    ["KindConflict", names.kind, kinds],
    ["ListKindConflict", names.listKind, kinds],
  ];
  const last = wanted.findLast(([, name, taken]) => name && taken.has(name));
  return last && { reason: last[0], message: `${JSON.stringify(last[1])} is already in use` };
}

/** A condition keeps the time of its last transition. */
function stable(condition: JsonObject, known: readonly JsonObject[], at: string): JsonObject {
  const before = known.find(({ type }) => type === condition.type);
  const unchanged = before !== undefined && before.status === condition.status;
  return { lastTransitionTime: unchanged ? before.lastTransitionTime : at, ...condition };
}
