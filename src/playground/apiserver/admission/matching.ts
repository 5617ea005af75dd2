import { matchesLabels, requirementsOf } from "../label-selector.ts";
import type { JsonObject } from "../object.ts";
import { notFound } from "../refusal.ts";
import {
  type AdmissionRequest,
  type GroupVersionResource,
  isNamespaceResource,
  metadataOf,
} from "./request.ts";

export type LabelSelector = Parameters<typeof requirementsOf>[0];

/** A rule of a webhook or policy. */
export interface RuleWithOperations {
  operations?: string[];
  apiGroups?: string[];
  apiVersions?: string[];
  resources?: string[];
  resourceNames?: string[];
  scope?: "*" | "Cluster" | "Namespaced";
}

export interface MatchDeps {
  /** The stored Namespace, undefined when there is none. */
  namespace(name: string): JsonObject | undefined;
  /**
   * The other versions in which a resource is served. Objects differ between them only in their
   * `apiVersion`. Default: none.
   */
  equivalents?(resource: GroupVersionResource): readonly GroupVersionResource[];
}

/** Webhooks receive no writes of webhook configurations and policies, because a broken webhook would block its own repair. */
export function isAdmissionConfiguration({ kind }: AdmissionRequest): boolean {
  return (
    kind.group === "admissionregistration.k8s.io" &&
    /^(Validating|Mutating)(WebhookConfiguration|AdmissionPolicy|AdmissionPolicyBinding)$/.test(kind.kind)
  );
}

/** Policies check webhook configurations. They check neither policies nor reviews, because reviews must always be answered. */
export function isExemptFromPolicies({ kind }: AdmissionRequest): boolean {
  if (kind.group === "authentication.k8s.io") return /^(TokenReview|SelfSubjectReview)$/.test(kind.kind);
  if (kind.group === "authorization.k8s.io") return /Review$/.test(kind.kind);
  return (
    kind.group === "admissionregistration.k8s.io" &&
    /^(Validating|Mutating)AdmissionPolicy(Binding)?$/.test(kind.kind)
  );
}

/**
 * The resource that matches one of the rules: the request's own, or with `Equivalent` another version of it. Undefined
 * if no rule matches.
 */
export function matchedResource(
  deps: MatchDeps,
  request: AdmissionRequest,
  rules: readonly RuleWithOperations[],
  matchPolicy: string | undefined,
): GroupVersionResource | undefined {
  const fits = (resource: GroupVersionResource) => rules.some((rule) => ruleMatches(rule, request, resource));
  if (fits(request.resource)) return request.resource;
  if (matchPolicy === "Exact") return undefined;
  return deps.equivalents?.(request.resource).find(fits);
}

function ruleMatches(rule: RuleWithOperations, request: AdmissionRequest, at: GroupVersionResource): boolean {
  return (
    scopeMatches(rule.scope, request) &&
    isListed(rule.operations, request.operation) &&
    isListed(rule.apiGroups, at.group) &&
    isListed(rule.apiVersions, at.version) &&
    (rule.resources ?? []).some((pattern) => {
      const slash = pattern.indexOf("/");
      const resource = slash < 0 ? pattern : pattern.slice(0, slash);
      const subresource = slash < 0 ? "" : pattern.slice(slash + 1);
      return (
        (resource === "*" || resource === at.resource) &&
        (subresource === "*" || subresource === request.subresource)
      );
    }) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(request.name))
  );
}

function isListed(list: readonly string[] | undefined, item: string): boolean {
  return list !== undefined && (list.includes("*") || list.includes(item));
}

function scopeMatches(scope: RuleWithOperations["scope"], request: AdmissionRequest): boolean {
  const isClusterScoped = request.namespace === "" || isNamespaceResource(request.resource);
  switch (scope) {
    case undefined:
    case "*":
      return true;
    case "Cluster":
      return isClusterScoped;
    case "Namespaced":
      return !isClusterScoped;
  }
}

/** Whether both selectors match. Throws 404 when one needs the labels of a namespace that does not exist. */
export function selectorsMatch(
  deps: MatchDeps,
  request: AdmissionRequest,
  selectors: { objectSelector?: LabelSelector; namespaceSelector?: LabelSelector },
): boolean {
  return (
    objectSelectorMatches(request, selectors.objectSelector) &&
    namespaceSelectorMatches(deps, request, selectors.namespaceSelector)
  );
}

/** Throws 404 when the selector needs the labels of a namespace that does not exist. */
function namespaceSelectorMatches(
  deps: MatchDeps,
  request: AdmissionRequest,
  selector: LabelSelector | undefined,
): boolean {
  const requirements = requirementsOf(selector ?? {});
  if (requirements.length === 0) return true;
  const ofNamespace = isNamespaceResource(request.resource);
  if (request.namespace === "" && !ofNamespace) return true;
  // For a Namespace itself, the labels in the request count, not the stored ones.
  const own = ofNamespace && request.subresource === "" && request.operation !== "DELETE";
  const namespace = own ? request.object : deps.namespace(request.namespace);
  if (!namespace) throw notFound({ group: "", plural: "namespaces" }, request.namespace);
  return matchesLabels(requirements, metadataOf(namespace).labels);
}

/** Matches when the new or the old object does. */
function objectSelectorMatches(request: AdmissionRequest, selector: LabelSelector | undefined): boolean {
  const requirements = requirementsOf(selector ?? {});
  if (requirements.length === 0) return true;
  return [request.object, request.oldObject].some(
    (object) => object !== null && matchesLabels(requirements, metadataOf(object).labels),
  );
}
