import { describe, expect, it } from "vitest";
import { appliesTo, type EnvironmentPolicy, soakSource } from "../../../src/api/environment-policy.ts";

const policy = (environments: string[]): EnvironmentPolicy => ({
  apiVersion: "catalyst.openova.io/v1alpha1",
  kind: "EnvironmentPolicy",
  metadata: { name: "any", namespace: "catalyst-system" },
  spec: { appliesTo: { environments }, enforcement: "Deny", rules: [] },
});

describe("appliesTo", () => {
  it.each([
    ["acme-prod", "acme", "prod", true],
    ["acme-prod", "acme", "stg", false],
    ["acme-prod", "other", "prod", false],
    ["*-prod", "acme", "prod", true],
    ["*-prod", "acme", "stg", false],
    ["acme-*", "acme", "poc", true],
    ["acme-*", "other", "poc", false],
    ["*-*", "any", "dev", true],
    ["two-words-prod", "two-words", "prod", true],
    ["two-words-prod", "two", "words-prod", false],
  ])("matches %s with %s and %s: %s", (pattern, organization, environment, expected) => {
    expect(appliesTo(policy(["never-dev", pattern]), { organization, environment })).toBe(expected);
  });
});

describe("soakSource", () => {
  it.each([
    ["stg", "acme-stg"],
    ["acme-stg", "acme-stg"],
    ["shared-uat", "shared-uat"],
  ])("takes %s as namespace %s", (from, namespace) =>
    expect(soakSource(from, { organization: "acme", environment: "prod" })).toBe(namespace),
  );
});
