import { GROUP } from "../../api/kind.ts";
import { ANNOTATION, LABEL } from "../../api/label.ts";
import { affectedPaths } from "./change.ts";
import type { Rule, Violation } from "./fact.ts";
import { isPipeline } from "./identity.ts";
import { isNamespaceObject } from "./place.ts";
import { MAX_OBJECT_DEPTH } from "./pod-template.ts";
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
        `only the platform may write ${input.resource}: ask the platform team to make the change`,
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

interface Node {
  value: object;
  name: string;
  depth: number;
  parent: Node | undefined;
}

/** The members of an object, at any depth, that are named like evidence, as JSON by path. Paths are made for these alone. */
function evidenceIn(object: unknown): Map<string, string> {
  const found = new Map<string, string>();
  if (typeof object !== "object" || object === null) return found;
  const open: Node[] = [{ value: object, name: "", depth: 0, parent: undefined }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const depth = next.depth + 1;
    for (const name of Object.keys(next.value)) {
      const value = (next.value as Record<string, unknown>)[name];
      if (name.charCodeAt(0) === FIRST_CODE && EVIDENCE.includes(name))
        found.set(`${pathOf(next)}[${name}]`, JSON.stringify(value));
      if (typeof value === "object" && value !== null && depth <= MAX_OBJECT_DEPTH)
        open.push({ value, name, depth, parent: next });
    }
  }
  return found;
}

/** Comparing the first letter leaves out nearly all names of members. */
const FIRST_CODE = ANNOTATION.score.charCodeAt(0);

function pathOf({ name, parent }: Node): string {
  if (parent === undefined) return "";
  const before = pathOf(parent);
  if (Array.isArray(parent.value)) return `${before}[${name}]`;
  return before === "" ? name : `${before}.${name}`;
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
