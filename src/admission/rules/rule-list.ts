import { clusterGrantRule, escalationRule, ownerReferenceRule, tokenRequestRule } from "./access.ts";
import { blueprintArtifacts, blueprintRule } from "./blueprint.ts";
import type { AdmissionInput, ArtifactField, ClusterFacts, Rule, Violation } from "./input.ts";
import {
  helmReleaseRule,
  installSourceRule,
  ociRepositoryArtifacts,
  ociRepositoryRule,
} from "./install-source.ts";
import {
  apiServiceRule,
  catalogNamespaceRule,
  crdRule,
  evidenceRule,
  managedObjectRule,
  organizationNamespaceRule,
  platformKindRule,
  platformLabelRule,
  sovereignNamespaceRule,
  systemNamespaceRule,
} from "./ownership.ts";
import { sovereignRule } from "./sovereign.ts";
import { imageArtifacts, imageDigestRule } from "./workload-image.ts";

/** All rules, in the order in which a denial lists what they found. */
const RULES: readonly Rule[] = [
  crdRule,
  apiServiceRule,
  platformKindRule,
  sovereignRule,
  blueprintRule,
  systemNamespaceRule,
  catalogNamespaceRule,
  sovereignNamespaceRule,
  managedObjectRule,
  platformLabelRule,
  evidenceRule,
  organizationNamespaceRule,
  installSourceRule,
  ociRepositoryRule,
  helmReleaseRule,
  escalationRule,
  clusterGrantRule,
  ownerReferenceRule,
  tokenRequestRule,
  imageDigestRule,
];

const ARTIFACT_FIELDS = [blueprintArtifacts, ociRepositoryArtifacts, imageArtifacts];

/** The rules apply to neither. */
const isExempt = ({ requester }: ClusterFacts) =>
  requester.kind === "platform" || requester.kind === "controlPlane";

/** Every reason for a denial that can be found without asking a registry. */
export function evaluateRules(input: AdmissionInput, facts: ClusterFacts): Violation[] {
  return isExempt(facts) ? [] : RULES.flatMap((rule) => rule(input, facts));
}

/** The artifacts that the request adds, which must be trusted before it may pass. */
export function artifactsToCheck(input: AdmissionInput, facts: ClusterFacts): ArtifactField[] {
  return isExempt(facts) ? [] : ARTIFACT_FIELDS.flatMap((fieldsOf) => fieldsOf(input));
}
