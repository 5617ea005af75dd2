import { LABEL } from "../../api/label.ts";
import type { Violation } from "./fact.ts";
import type { IdentityLists } from "./identity.ts";
import { isNamespaceObject, placeOfNamespace, reservedBy } from "./place.ts";
import { type AdmissionInput, objectPath } from "./request.ts";
import type { RuleId } from "./rule-id.ts";

export interface NamespaceFacts {
  lists: IdentityLists;
  /** Names of the Organizations that exist. */
  organizations: Pick<ReadonlySet<string>, "has">;
}

/** Pods of a namespace with this label may use every device of the cluster, even one that another Pod uses. */
export const DEVICE_ADMIN_LABEL = "resource.kubernetes.io/admin-access";
const PLATFORM_LABELS = [...Object.values(LABEL), DEVICE_ADMIN_LABEL];

/**
 * Any user whom RBAC permits may write an ordinary Namespace. Only the platform writes a guarded Namespace, with its
 * labels, annotations, finalizers and status. The names of the platform, of Organizations and of Sovereigns are reserved.
 */
export function namespaceRule(input: AdmissionInput, facts: NamespaceFacts): Violation[] {
  if (!isNamespaceObject(input)) return [];
  const path = objectPath(input);
  const refuse = (rule: RuleId, field: string, message: string): Violation[] => [
    { rule, path: field, message },
  ];
  if (input.subresource !== "")
    return refuse(
      "namespace-guarded",
      path,
      `only the platform writes ${input.subresource} of a Namespace; delete its objects and let Kubernetes finish`,
    );
  if (input.operation === "CREATE") {
    const { name = "", generateName = "" } = (input.object?.metadata ?? {}) as {
      name?: string;
      generateName?: string;
    };
    const requested = input.name || name || generateName;
    const owner = reservedBy(requested, facts.organizations, facts.lists);
    if (owner !== undefined)
      return refuse(
        "namespace-reserved",
        "metadata.name",
        `the name ${requested} is reserved for ${owner}; choose another`,
      );
    return addedLabels({}, input.object?.metadata?.labels);
  }
  const before = input.oldObject?.metadata?.labels ?? {};
  const place = placeOfNamespace(input.name, before, facts.lists);
  if (place.kind !== "ordinary")
    return refuse(
      "namespace-guarded",
      path,
      `only the platform changes or deletes Namespace ${input.name}; leave it unchanged, or ask the platform team`,
    );
  return input.operation === "DELETE" ? [] : addedLabels(before, input.object?.metadata?.labels);
}

function addedLabels(before: Record<string, string>, after: Record<string, string> = {}): Violation[] {
  return PLATFORM_LABELS.filter((label) => before[label] !== after[label]).map((label) => ({
    rule: "platform-label",
    path: `metadata.labels[${label}]`,
    message: `only the platform writes the label ${label}; remove it`,
  }));
}
