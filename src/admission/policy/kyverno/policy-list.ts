import type { IdentityLists } from "../../rules/identity.ts";
import { notAtHome, notPlatform } from "../match-condition.ts";
import { contentRules } from "./content-rule.ts";
import { placeRules } from "./place-rule.ts";
import { ADMISSION_ONLY, KYVERNO_LABELS, type KyvernoPolicy, policyOf } from "./policy.ts";

export interface ExplainedPolicy {
  purpose: readonly string[];
  policy: KyvernoPolicy;
}

/** Verifies images with one key. Kyverno verifies signatures by itself, in addition to the webhook. */
const imageSignature = (lists: IdentityLists): KyvernoPolicy => ({
  apiVersion: "policies.kyverno.io/v1",
  kind: "ImageValidatingPolicy",
  metadata: { name: "catalyst-image-signature", labels: KYVERNO_LABELS },
  spec: {
    failurePolicy: "Fail",
    validationActions: ["Deny"],
    evaluation: ADMISSION_ONLY,
    webhookConfiguration: { timeoutSeconds: 15 },
    matchConstraints: {
      resourceRules: [
        { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["pods"] },
      ],
    },
    matchConditions: [...notPlatform(lists), notAtHome(lists)],
    matchImageReferences: [{ glob: "*" }],
    validationConfigurations: { mutateDigest: false, verifyDigest: true, required: true },
    attestors: [
      {
        name: "platform",
        cosign: {
          key: {
            expression: `resource.Get("v1", "configmaps", "catalyst-system", "catalyst-kyverno-key").data["cosign.pub"]`,
          },
          // The platform's keys sign without a public log.
          ctlog: { insecureIgnoreTlog: true },
        },
      },
    ],
    validations: [
      {
        expression:
          "(images.containers + images.?initContainers.orValue([]) + images.?ephemeralContainers.orValue([])).all(image, verifyImageSignatures(image, [attestors.platform]) > 0)",
        message:
          "image-signature: spec.containers[*].image: the platform's key did not sign this image; use a signed one, or ask the platform team to sign it",
      },
    ],
  },
});

/**
 * The webhook's rules that need no cluster state, as policies for clusters that run Kyverno. They add to the webhook: a
 * request passes only when neither of them denies it.
 */
export const kyvernoPolicies = (lists: IdentityLists): ExplainedPolicy[] => [
  ...[...placeRules(lists), ...contentRules(lists)].map((rule) => ({
    purpose: rule.purpose,
    policy: policyOf(rule, lists),
  })),
  {
    purpose: [
      "Verifies the signatures of images with one key: cosign.pub in ConfigMap catalyst-kyverno-key of namespace catalyst-system.",
      "An image from a registry that catalyst-trust allows without a signature needs one here.",
    ],
    policy: imageSignature(lists),
  },
];
