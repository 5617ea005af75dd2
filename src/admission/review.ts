import { isMap, listOf } from "../api/object.ts";
import type { Enforcer } from "./enforcement.ts";
import type { FactCollector } from "./fact-collector.ts";
import type { InstallJudge } from "./install-judge.ts";
import { parseReviewedObject } from "./reviewed-object.ts";
import type { ArtifactField, ClusterFacts, Verdict, Violation } from "./rules/fact.ts";
import { isExempt } from "./rules/identity.ts";
import type { AdmissionInput, NamespaceSelection, ReviewedObject } from "./rules/request.ts";
import { artifactsToCheck, evaluateRules } from "./rules/rule-list.ts";
import type { ArtifactCheck } from "./trust-policy.ts";

export interface ReviewDeps {
  collectFacts: FactCollector;
  judgeInstall: InstallJudge;
  checkArtifact: ArtifactCheck;
  enforce: Enforcer;
  /** Whether signatures are also checked of requests that violate a rule, so that `Audit` reports both. Default: no. */
  checksAll?: boolean;
}

/** The signal fires when the review is too late. */
export type Reviewer = (input: AdmissionInput, signal?: () => AbortSignal) => Promise<Verdict>;

const verdictOf = (violations: readonly Violation[]): Verdict => ({
  violations,
  warnings: [],
  auditAnnotations: {},
});

/**
 * Evaluates the rules first, then the policies of the environment. Asks registries only about requests that pass both. With
 * `checksAll`, asks about the others too.
 */
export function createReviewer(deps: ReviewDeps): Reviewer {
  const { collectFacts, judgeInstall, checkArtifact, enforce, checksAll = false } = deps;

  async function checkField(
    { artifact, rule, path }: ArtifactField,
    facts: ClusterFacts,
  ): Promise<Violation[]> {
    const verdict = await checkArtifact(artifact, facts.signers);
    return verdict.kind === "refused" ? [{ rule, path, message: verdict.reason }] : [];
  }

  async function judge(input: AdmissionInput, facts: ClusterFacts): Promise<Verdict> {
    const violations = evaluateRules(input, facts);
    if (isExempt(facts.identity)) return verdictOf(violations);
    if (violations.length > 0)
      return verdictOf(
        checksAll ? [...violations, ...(await checkArtifacts(input, facts, violations))] : violations,
      );
    const judged = await judgeInstall(input, facts);
    if (judged.violations.length > 0 && !checksAll) return judged;
    return { ...judged, violations: [...judged.violations, ...(await checkArtifacts(input, facts, []))] };
  }

  /** Checks the artifacts in fields that no violation names. An object that nests too deep is not searched. */
  async function checkArtifacts(
    input: AdmissionInput,
    facts: ClusterFacts,
    violations: readonly Violation[],
  ): Promise<Violation[]> {
    if (violations.some(({ rule }) => rule === "object-depth")) return [];
    const denied = new Set(violations.map(({ path }) => path));
    const fields = artifactsToCheck(input, facts).filter(({ path }) => !denied.has(path));
    return (await Promise.all(fields.map((field) => checkField(field, facts)))).flat();
  }

  return async function review(input, signal) {
    const facts = await collectFacts(input, signal);
    return enforce(input, facts.identity.kind, await judge(input, facts));
  };
}

/** The body is not an AdmissionReview. */
export class MalformedReview extends Error {
  override readonly name = "MalformedReview";
}

const OPERATIONS = ["CREATE", "UPDATE", "DELETE", "CONNECT"];

/** Reads an `admission.k8s.io/v1` AdmissionReview that was sent for this selection. Throws `MalformedReview`. */
export function parseReview(
  body: unknown,
  selected?: NamespaceSelection,
): { uid: string; input: AdmissionInput } {
  const request = isMap(body) && isMap(body.request) ? body.request : undefined;
  const resource = isMap(request?.resource) ? request.resource : undefined;
  const user = isMap(request?.userInfo) ? request.userInfo : undefined;
  if (
    request === undefined ||
    resource === undefined ||
    user === undefined ||
    typeof request.uid !== "string"
  ) {
    throw new MalformedReview("the body must be an AdmissionReview of admission.k8s.io/v1");
  }
  if (typeof request.operation !== "string" || !OPERATIONS.includes(request.operation))
    throw new MalformedReview(`request.operation must be one of ${OPERATIONS.join(", ")}`);
  return {
    uid: request.uid,
    input: {
      operation: request.operation as AdmissionInput["operation"],
      group: readText(resource.group, "resource.group"),
      resource: readText(resource.resource, "resource.resource"),
      subresource: readText(request.subResource, "subResource"),
      name: readText(request.name, "name"),
      namespace: readText(request.namespace, "namespace"),
      user: readUser(user),
      ...(selected === undefined ? {} : { selected }),
      isDryRun: request.dryRun === true,
      object: readObject(request.object, "object"),
      oldObject: readObject(request.oldObject, "oldObject"),
    },
  };
}

function readText(value: unknown, name: string): string {
  if (typeof value === "object" && value !== null)
    throw new MalformedReview(`request.${name} must be a text`);
  return String(value ?? "");
}

function readUser(user: Record<string, unknown>): AdmissionInput["user"] {
  const uid = readText(user.uid, "userInfo.uid");
  return {
    username: readText(user.username, "userInfo.username"),
    groups: listOf(user.groups).map((group, index) => readText(group, `userInfo.groups[${index}]`)),
    ...(uid === "" ? {} : { uid }),
  };
}

function readObject(value: unknown, name: string): ReviewedObject | undefined {
  if (value === undefined || value === null) return undefined;
  const object = parseReviewedObject(value);
  if (object === undefined) throw new MalformedReview(`request.${name} must be a Kubernetes object`);
  return object;
}
