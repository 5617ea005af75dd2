import { identityLists } from "../rules/identity.ts";
import { RULE_IDS, type RuleId } from "../rules/rule-id.ts";
import { NATIVE_RULES, type NativeRule } from "./guard.ts";
import { kyvernoPolicies } from "./kyverno/policy-list.ts";
import { nativePolicies } from "./native/policy-list.ts";

/** The places where one rule is enforced. */
export interface RuleParity {
  rule: RuleId | NativeRule;
  isWebhooks: boolean;
  /** Names of the policies with a validation that denies by this rule. */
  native: string[];
  kyverno: string[];
  /** The part that the policies leave to the webhook, and the reason. Empty: nothing. */
  note: string;
}

const LOOKS_UP_FRANCHISES = "the webhook looks up the Franchise of the requester";
const JUDGES_INSTALLS = "the webhook looks up the environment's policies and the records of the operator";
const VERIFIES = "the webhook verifies signatures, by the trust of the platform and of Franchises";
const LEAVES_OUT_OWNERS = "Kyverno leaves out owners that block a deletion";
const JUDGES_PLATFORM = "the webhook and Kyverno's policies leave out requests of the platform";

/** What the Kyverno policies leave out of a rule. Each rule that no Kyverno policy has must be listed here. */
export const PARITY_NOTES: Readonly<Partial<Record<RuleParity["rule"], string>>> = {
  "webhook-configuration":
    "the API server calls no webhook for webhook configurations, so Kyverno cannot deny them either",
  "blueprint-franchise": LOOKS_UP_FRANCHISES,
  "blueprint-grant": LOOKS_UP_FRANCHISES,
  "blueprint-owner": LOOKS_UP_FRANCHISES,
  "blueprint-signature": VERIFIES,
  "catalog-namespace":
    "Kyverno lets every user with the right in RBAC write Blueprints in catalog-sovereign; the webhook requires a Franchise",
  "cluster-scope":
    "native: APIServices, the product's roles and CustomResourceDefinitions. Kyverno denies controllers the caBundle of CustomResourceDefinitions and the finalizers of cluster-scoped kinds",
  "evidence-pipeline-only": "the webhook searches objects at any depth, such as Pod templates and values",
  "environment-approval": JUDGES_INSTALLS,
  "environment-score": JUDGES_INSTALLS,
  "environment-soak": JUDGES_INSTALLS,
  "environment-window": JUDGES_INSTALLS,
  "helm-release": "the webhook also reads the OCIRepository that a HelmRelease names",
  "hub-object": JUDGES_PLATFORM,
  "image-signature": "Kyverno: one key, and no registries that need no signature",
  "ingress-annotation":
    "the webhook reads annotations and fields by the rules of each product, and looks up which namespaces are guarded",
  "install-source":
    "Kyverno leaves out the policies of Kyverno and Kubewarden, Capsule's kinds and NetworkAttachmentDefinitions",
  "namespace-guarded": `native: catalyst-system. ${LEAVES_OUT_OWNERS}`,
  "namespace-reserved": "the webhook looks up the Organizations, and so the names of their environments",
  "object-depth": "the webhook searches Pod templates in objects of any kind",
  "oci-repository-signature": VERIFIES,
  "organization-namespace": "the webhook looks up the members of the Organization",
  "platform-kind": LEAVES_OUT_OWNERS,
  "platform-namespace": "native: catalyst-system",
  "pod-isolation":
    "Kyverno leaves out SELinux, seccomp, AppArmor, the hosts of probes, volume claims, annotations of networks, devices, and Pod templates in custom kinds",
  "pod-status":
    "the webhook lets only the kubelet and listed controllers write it, in Organizations' namespaces",
  "rbac-escalation": "the webhook also looks up the role that a RoleBinding names",
  "rollout-annotation": JUDGES_PLATFORM,
  "service-account-identity": "the webhook looks up the owner of each ServiceAccount",
  "service-address": "the webhook looks up which namespaces are guarded, and the addresses of their Services",
  "sovereign-branding-grant": LOOKS_UP_FRANCHISES,
  "sovereign-field": LOOKS_UP_FRANCHISES,
  "sovereign-host": "the webhook looks up the hosts that Sovereigns serve",
  "sovereign-tier-grant": LOOKS_UP_FRANCHISES,
  "unknown-namespace": "the API server and Kyverno look up namespaces themselves",
};

interface DenyingPolicy {
  metadata: { name: string };
  spec: { validations: readonly { message?: string }[] };
}

/** The policies with a message that begins with the rule. */
const denying = (policies: readonly DenyingPolicy[], rule: string): string[] =>
  policies
    .filter(({ spec }) => spec.validations.some(({ message }) => message?.startsWith(`${rule}: `)))
    .map(({ metadata }) => metadata.name);

/** Each rule, and which of the webhook, the native policies and the Kyverno policies denies by it. */
export function policyParity(): RuleParity[] {
  const native = nativePolicies(identityLists(), "Deny").map(({ policy }) => policy);
  const kyverno = kyvernoPolicies(identityLists()).map(({ policy }) => policy);
  return [...RULE_IDS, ...NATIVE_RULES].sort().map((rule) => ({
    rule: rule as RuleParity["rule"],
    isWebhooks: RULE_IDS.some((id) => id === rule),
    native: denying(native, rule),
    kyverno: denying(kyverno, rule),
    note: PARITY_NOTES[rule as RuleParity["rule"]] ?? "",
  }));
}
