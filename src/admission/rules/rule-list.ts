import { blueprintArtifacts, blueprintRule } from "./blueprint.ts";
import { deputyRule } from "./deputy.ts";
import { deviceAllocationRule } from "./device-allocation.ts";
import { evidenceRule } from "./evidence.ts";
import type { ArtifactField, ClusterFacts, Rule, Violation } from "./fact.ts";
import { hostRule } from "./host.ts";
import { isExempt } from "./identity.ts";
import { ingressAnnotationRule } from "./ingress-annotation.ts";
import {
  helmReleaseArtifacts,
  helmReleaseRule,
  installSourceRule,
  ociRepositoryArtifacts,
  ociRepositoryRule,
} from "./install-source.ts";
import { namespaceRule } from "./namespace.ts";
import { objectDepthRule } from "./object-depth.ts";
import { ownerReferenceRule } from "./owner-reference.ts";
import { managedObjectRule, platformKindRule, platformLabelRule, workloadRevisionRule } from "./ownership.ts";
import { isOwnNamespace } from "./place.ts";
import { placeRule } from "./place-rule.ts";
import { podIsolationRule } from "./pod-isolation.ts";
import { podStatusRule } from "./pod-status.ts";
import { bindingRule, escalationRule } from "./rbac-escalation.ts";
import { releaseSecretRule } from "./release-secret.ts";
import type { AdmissionInput } from "./request.ts";
import { serviceAccountRule } from "./service-account.ts";
import { serviceAddressRule } from "./service-address.ts";
import { sovereignRule } from "./sovereign.ts";
import { volumeClaimRule } from "./volume-claim.ts";
import { imageArtifacts, imageDigestRule } from "./workload-image.ts";

/**
 * The rules about the content of a request, in the order in which a denial lists their violations. At cluster scope and in
 * the private catalog they come before the rule of the place, because they explain more than "this place is not yours".
 * Elsewhere the rule of the place comes first.
 */
const RULES: readonly Rule[] = [
  platformKindRule,
  sovereignRule,
  blueprintRule,
  namespaceRule,
  managedObjectRule,
  platformLabelRule,
  ownerReferenceRule,
  evidenceRule,
  installSourceRule,
  deputyRule,
  ociRepositoryRule,
  helmReleaseRule,
  releaseSecretRule,
  escalationRule,
  bindingRule,
  workloadRevisionRule,
  podStatusRule,
  serviceAccountRule,
  hostRule,
  ingressAnnotationRule,
  serviceAddressRule,
];

/**
 * The rules about workloads. They do not apply to a controller in its own namespace, because the platform installs the
 * software there.
 */
const WORKLOAD_RULES: readonly Rule[] = [
  podIsolationRule,
  volumeClaimRule,
  deviceAllocationRule,
  imageDigestRule,
];
const ALL_RULES: readonly Rule[] = [...RULES, ...WORKLOAD_RULES];

const ARTIFACT_FIELDS = [blueprintArtifacts, ociRepositoryArtifacts, helmReleaseArtifacts, imageArtifacts];

/**
 * Every reason for a denial that needs no registry. A place that is not the requester's denies by itself, so a kind without
 * a rule is denied there too.
 */
export function evaluateRules(input: AdmissionInput, facts: ClusterFacts): Violation[] {
  if (isExempt(facts.identity)) return [];
  const depth = objectDepthRule(input);
  if (depth.length > 0) return depth;
  const place = placeRule(input, facts);
  if (place.length > 0 && facts.place.kind !== "cluster" && facts.place.kind !== "privateCatalog")
    return place;
  const rules = isOwnNamespace(facts.place, facts.identity) ? RULES : ALL_RULES;
  const found = rules.flatMap((rule) => rule(input, facts));
  return found.length > 0 ? found : place;
}

/** The artifacts that the request adds, which must be trusted before it may pass. */
export function artifactsToCheck(input: AdmissionInput, facts: ClusterFacts): ArtifactField[] {
  const isUnchecked = isExempt(facts.identity) || isOwnNamespace(facts.place, facts.identity);
  return isUnchecked ? [] : ARTIFACT_FIELDS.flatMap((fieldsOf) => fieldsOf(input, facts));
}
