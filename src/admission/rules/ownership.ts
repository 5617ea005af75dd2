import { GROUP } from "../../api/kind.ts";
import { LABEL } from "../../api/label.ts";
import { affectedPaths, userChangedPaths } from "./change.ts";
import type { Rule, Violation } from "./fact.ts";
import { isNamespaceObject } from "./place.ts";
import type { AdmissionInput } from "./request.ts";
import type { RuleId } from "./rule-id.ts";

function deny(input: AdmissionInput, rule: RuleId, message: string): Violation[] {
  return affectedPaths(input).map((path) => ({ rule, path, message }));
}

/** A write of the status may change labels and annotations too. */
const changesOnlyStatus = (input: AdmissionInput): boolean =>
  input.subresource === "status" && userChangedPaths(input).length === 0;

const OPEN_KINDS = ["blueprints", "sovereigns"];

/** Users other than the platform may write only two of its kinds: Blueprints, and some fields of Sovereigns. */
export const platformKindRule: Rule = (input) =>
  input.group === GROUP && !OPEN_KINDS.includes(input.resource)
    ? deny(
        input,
        "platform-kind",
        `only the platform may write ${input.resource}; ask the platform team to make the change`,
      )
    : [];

/**
 * Objects with the managed-by label, in any namespace. An update that changes nothing would make its sender a co-owner. A
 * listed controller reports in the status, as an ingress controller does with the address of a Sovereign's Ingress.
 */
export const managedObjectRule: Rule = (input, { identity }) => {
  if (isNamespaceObject(input) || input.group === GROUP) return [];
  const owner = input.oldObject?.metadata?.labels?.[LABEL.managedBy];
  if (owner === undefined || (identity.kind === "controller" && changesOnlyStatus(input))) return [];
  return deny(
    input,
    "managed-object",
    `the ${owner} manages this ${input.oldObject?.kind ?? "object"}; change the Sovereign or Organization that it belongs to`,
  );
};

/** Only the platform may write platform labels. Namespaces have a rule of their own. */
export const platformLabelRule: Rule = (input) => {
  if (input.operation === "DELETE" || isNamespaceObject(input)) return [];
  const before = input.oldObject?.metadata?.labels ?? {};
  const after = input.object?.metadata?.labels ?? {};
  return Object.values(LABEL)
    .filter((label) => before[label] !== after[label])
    .map((label) => ({
      rule: "platform-label",
      path: `metadata.labels[${label}]`,
      message: "only the platform may write this label; leave it unchanged",
    }));
};

/** A StatefulSet or DaemonSet that rolls back runs the template of its ControllerRevision. */
export const workloadRevisionRule: Rule = (input) =>
  input.group === "apps" && input.resource === "controllerrevisions"
    ? deny(
        input,
        "workload-revision",
        "only Kubernetes' own controllers may write ControllerRevisions; change the StatefulSet or DaemonSet instead",
      )
    : [];
