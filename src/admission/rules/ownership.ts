import { GROUP } from "../../api/kind.ts";
import { ANNOTATION, LABEL } from "../../api/label.ts";
import { affectedPaths } from "./change.ts";
import type { Rule, Violation } from "./fact.ts";
import { isPipeline } from "./identity.ts";
import { isNamespaceObject } from "./place.ts";
import type { AdmissionInput } from "./request.ts";
import type { RuleId } from "./rule-id.ts";

function deny(input: AdmissionInput, rule: RuleId, message: string): Violation[] {
  return affectedPaths(input).map((path) => ({ rule, path, message }));
}

const OPEN_KINDS = ["blueprints", "sovereigns"];

/** Of the platform's kinds, others may write only Blueprints and some fields of Sovereigns. */
export const platformKindRule: Rule = (input) =>
  input.group === GROUP && !OPEN_KINDS.includes(input.resource)
    ? deny(
        input,
        "platform-kind",
        `only the platform may write ${input.resource}: ask OpenOva to make the change`,
      )
    : [];

/** Objects with the managed-by label, in any namespace. An update that changes nothing would make its sender a co-owner. */
export const managedObjectRule: Rule = (input) => {
  if (isNamespaceObject(input) || input.group === GROUP) return [];
  const owner = input.oldObject?.metadata?.labels?.[LABEL.managedBy];
  return owner === undefined
    ? []
    : deny(
        input,
        "managed-object",
        `the ${owner} manages this ${input.oldObject?.kind ?? "object"}: change the Sovereign or Organization that it belongs to`,
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
      message: "only the platform may write this label: leave it unchanged",
    }));
};

const EVIDENCE: readonly string[] = [ANNOTATION.approvedBy, ANNOTATION.score];
/** An object that nests deeper is denied by another rule. */
const MAX_DEPTH = 64;

/**
 * Evidence for EnvironmentPolicies must come from the pipeline, not from the people whose installs it decides. This
 * includes annotations of a Pod template, and values from which a chart makes annotations: controllers copy them.
 */
export const evidenceRule: Rule = (input) => {
  if (input.operation === "DELETE" || isPipeline(input.user)) return [];
  const before = evidenceIn(input.oldObject);
  const after = evidenceIn(input.object);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .sort()
    .map((path) => ({
      rule: "evidence-pipeline-only",
      path,
      message: "only the pipeline may write this annotation: leave it unchanged, and run the pipeline",
    }));
};

/** The members of an object, at any depth, that are named like evidence, as JSON by path. */
function evidenceIn(object: unknown): Map<string, string> {
  const found = new Map<string, string>();
  const open = [{ value: object, path: "", depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path, depth } = next;
    if (typeof value !== "object" || value === null || depth > MAX_DEPTH) continue;
    for (const [name, member] of Object.entries(value)) {
      if (EVIDENCE.includes(name)) found.set(`${path}[${name}]`, JSON.stringify(member));
      const at = Array.isArray(value) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`;
      open.push({ value: member, path: at, depth: depth + 1 });
    }
  }
  return found;
}

/** A StatefulSet or DaemonSet that rolls back runs what its ControllerRevision says. */
export const workloadRevisionRule: Rule = (input) =>
  input.group === "apps" && input.resource === "controllerrevisions"
    ? deny(
        input,
        "workload-revision",
        "only Kubernetes' own controllers may write ControllerRevisions: change the StatefulSet or DaemonSet instead",
      )
    : [];
