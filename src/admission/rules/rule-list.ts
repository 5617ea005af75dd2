import { clusterGrantRule, escalationRule, ownerReferenceRule, tokenRequestRule } from "./access.ts";
import { blueprintRule, blueprintSignatures } from "./blueprint.ts";
import type { AdmissionInput, ClusterFacts, Rule, SignatureDemand, Violation } from "./input.ts";
import {
  helmReleaseRule,
  ociRepositoryRule,
  ociRepositorySignatures,
  platformRoadRule,
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
import { imageDigestRule, imageSignatures } from "./workload-image.ts";

/** All rules, in the order in which their answers are read. */
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
  platformRoadRule,
  ociRepositoryRule,
  helmReleaseRule,
  escalationRule,
  clusterGrantRule,
  ownerReferenceRule,
  tokenRequestRule,
  imageDigestRule,
];

const DEMANDS = [blueprintSignatures, ociRepositorySignatures, imageSignatures];

/** Every reason to say no that needs no registry; the platform and the cluster's machinery pass. */
export function judge(input: AdmissionInput, facts: ClusterFacts): Violation[] {
  if (facts.requester.kind === "platform" || facts.requester.kind === "machinery") return [];
  return RULES.flatMap((rule) => rule(input, facts));
}

/** What must be signed before the request may pass. */
export function signatureDemands(input: AdmissionInput, facts: ClusterFacts): SignatureDemand[] {
  if (facts.requester.kind === "platform" || facts.requester.kind === "machinery") return [];
  return DEMANDS.flatMap((demands) => demands(input));
}
