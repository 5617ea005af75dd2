import type { Blueprint } from "../api/blueprint.ts";
import type { Franchise } from "../api/franchise.ts";
import { PRIVATE_CATALOG_NAMESPACE } from "../api/name.ts";
import { isMap } from "../api/object.ts";
import type { Organization } from "../api/organization.ts";
import { isInTerm } from "../api/term.ts";
import type {
  AdmissionInput,
  ArtifactField,
  ClusterFacts,
  PlatformIdentities,
  ReviewedObject,
  Violation,
} from "./rules/input.ts";
import { classifyRequester, isSubject } from "./rules/requester.ts";
import { artifactsToCheck, evaluateRules } from "./rules/rule-list.ts";
import type { ArtifactCheck } from "./trust-policy.ts";

/** What the cluster holds, from caches: a look-up sends no request. */
interface ClusterLookups {
  franchises(): readonly Franchise[];
  organizations(): readonly Organization[];
  blueprints(): readonly Blueprint[];
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
}

export interface ReviewDeps {
  lookups: ClusterLookups;
  checkArtifact: ArtifactCheck;
  platform: PlatformIdentities;
  now: () => Date;
}

export type Reviewer = (input: AdmissionInput) => Promise<Violation[]>;

/** Evaluates the rules first, and asks registries only about requests that pass them. */
export function createReviewer({ lookups, checkArtifact, platform, now }: ReviewDeps): Reviewer {
  function collectFacts(input: AdmissionInput): ClusterFacts {
    const nowMs = now().getTime();
    const inTerm = lookups.franchises().filter((franchise) => isInTerm(franchise, nowMs));
    return {
      requester: classifyRequester(input.user, inTerm, platform),
      namespaceLabels: namespaceLabelsOf(input, lookups),
      memberships: lookups
        .organizations()
        .filter(
          ({ spec }) =>
            spec.owner === input.user.username ||
            (spec.members ?? []).some((member) => isSubject(input.user, member)),
        ),
      privateBlueprints: lookups
        .blueprints()
        .filter(
          ({ metadata, spec }) =>
            metadata.namespace === PRIVATE_CATALOG_NAMESPACE && spec.visibility === "private",
        ),
      platform,
    };
  }

  async function check({ artifact, rule, path }: ArtifactField, facts: ClusterFacts): Promise<Violation[]> {
    const { requester } = facts;
    const verdict = await checkArtifact(
      artifact,
      requester.kind === "franchisee" ? requester.franchises : [],
    );
    return verdict.kind === "refused" ? [{ rule, path, message: verdict.reason }] : [];
  }

  return async function review(input) {
    const facts = collectFacts(input);
    const violations = evaluateRules(input, facts);
    if (violations.length > 0) return violations;
    const checked = await Promise.all(artifactsToCheck(input, facts).map((field) => check(field, facts)));
    return checked.flat();
  };
}

function namespaceLabelsOf(input: AdmissionInput, lookups: ClusterLookups): Readonly<Record<string, string>> {
  if (input.resource === "namespaces")
    return input.oldObject?.metadata?.labels ?? lookups.namespaceLabels(input.name) ?? {};
  return input.namespace === "" ? {} : (lookups.namespaceLabels(input.namespace) ?? {});
}

/** The body is not an AdmissionReview. */
export class MalformedReview extends Error {
  override readonly name = "MalformedReview";
}

const OPERATIONS = ["CREATE", "UPDATE", "DELETE", "CONNECT"];

/** Reads an `admission.k8s.io/v1` AdmissionReview. Throws `MalformedReview`. */
export function parseReview(body: unknown): { uid: string; input: AdmissionInput } {
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
  if (!OPERATIONS.includes(String(request.operation)))
    throw new MalformedReview(`request.operation must be one of ${OPERATIONS.join(", ")}`);
  const groups = Array.isArray(user.groups) ? user.groups.map(String) : [];
  return {
    uid: request.uid,
    input: {
      operation: request.operation as AdmissionInput["operation"],
      group: String(resource.group ?? ""),
      resource: String(resource.resource ?? ""),
      subresource: String(request.subResource ?? ""),
      name: String(request.name ?? ""),
      namespace: String(request.namespace ?? ""),
      user: { username: String(user.username ?? ""), groups },
      object: isMap(request.object) ? (request.object as ReviewedObject) : undefined,
      oldObject: isMap(request.oldObject) ? (request.oldObject as ReviewedObject) : undefined,
    },
  };
}

/** The answer: every violation with its rule, its field, and a text that says what to do. */
export function reviewAnswer(uid: string, violations: readonly Violation[]): object {
  const allowed = violations.length === 0;
  const message = violations.map(({ rule, path, message: text }) => `${rule}: ${path}: ${text}`).join("; ");
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: {
      uid,
      allowed,
      ...(allowed
        ? {}
        : {
            status: {
              status: "Failure",
              code: 403,
              reason: "Forbidden",
              message,
              details: {
                causes: violations.map(({ rule, path, message: text }) => ({
                  reason: rule,
                  field: path,
                  message: text,
                })),
              },
            },
          }),
    },
  };
}
