import { describe, expect, it } from "vitest";
import { PARITY_NOTES, policyParity } from "../../../../src/admission/policy/parity.ts";
import { RULE_IDS } from "../../../../src/admission/rules/rule-id.ts";

describe("policyParity", () => {
  const rows = policyParity();

  it("lists every rule of the webhook, and those that only a native policy can have", () => {
    expect(rows.filter(({ isWebhooks }) => isWebhooks).map(({ rule }) => rule)).toEqual([...RULE_IDS]);
    expect(rows.filter(({ isWebhooks }) => !isWebhooks)).toMatchObject([
      { rule: "hub-object", native: ["catalyst-hub-object"], kyverno: [] },
      { rule: "rollout-annotation", native: ["catalyst-rollout-annotation"], kyverno: [] },
      { rule: "webhook-configuration", native: ["catalyst-webhook-configuration"], kyverno: [] },
    ]);
  });

  it("says of each rule without a Kyverno policy why the webhook alone has it", () => {
    const silent = rows.filter(({ kyverno, note }) => kyverno.length === 0 && note === "");
    expect(silent.map(({ rule }) => rule)).toEqual([]);
  });

  it("has notes about rules that exist only", () => {
    const known = rows.map(({ rule }) => rule as string);
    expect(Object.keys(PARITY_NOTES).filter((rule) => !known.includes(rule))).toEqual([]);
  });

  it("finds each policy by the rules in its messages", () => {
    const found = new Set(rows.flatMap(({ native, kyverno }) => [...native, ...kyverno]));
    expect([...found].sort()).toEqual([
      "catalyst-api-service",
      "catalyst-catalog-namespace",
      "catalyst-cluster-role",
      "catalyst-cluster-scope",
      "catalyst-controller-namespace",
      "catalyst-custom-resource-definition",
      "catalyst-ephemeral-container",
      "catalyst-helm-release-secret",
      "catalyst-hub-object",
      "catalyst-image-signature",
      "catalyst-install-source",
      "catalyst-namespace",
      "catalyst-platform-label",
      "catalyst-platform-namespace",
      "catalyst-pod",
      "catalyst-product-kind",
      "catalyst-rbac-escalation",
      "catalyst-rollout-annotation",
      "catalyst-sovereign-namespace",
      "catalyst-system-namespace",
      "catalyst-webhook-configuration",
      "catalyst-workload-revision",
    ]);
  });
});
