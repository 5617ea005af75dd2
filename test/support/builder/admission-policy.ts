import type { BindingSpec, PolicySpec } from "../../../src/playground/apiserver/admission/policy.ts";
import type { JsonObject } from "../../../src/playground/apiserver/object.ts";

export const RULES = [{ operations: ["*"], apiGroups: [""], apiVersions: ["*"], resources: ["configmaps"] }];

export const policy = (spec: Partial<PolicySpec>): JsonObject => ({
  kind: "ValidatingAdmissionPolicy",
  metadata: { name: "p" },
  spec: { matchConstraints: { resourceRules: RULES }, ...spec },
});
export const binding = (spec: Partial<BindingSpec>): JsonObject => ({
  kind: "ValidatingAdmissionPolicyBinding",
  metadata: { name: "b" },
  spec: { policyName: "p", validationActions: ["Deny"], ...spec },
});
