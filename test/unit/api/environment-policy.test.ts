import { describe, expect, it } from "vitest";
import {
  appliesTo,
  type EnvironmentPolicy,
  isSoakSource,
  soakSource,
} from "../../../src/api/environment-policy.ts";

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

describe("isSoakSource", () => {
  const soak = (from: string, ...environments: string[]): EnvironmentPolicy => {
    const { spec, ...rest } = policy(environments);
    return {
      ...rest,
      spec: { ...spec, rules: [{ "re-score-gate": { minimum: 1 } }, { soak: { from, duration: "1h" } }] },
    };
  };
  it.each<[string, EnvironmentPolicy, string, boolean]>([
    ["the type that it names", soak("stg", "*-prod"), "acme-stg", true],
    ["another type", soak("stg", "*-prod"), "acme-uat", false],
    ["the type, of an Organization that it does not apply to", soak("stg", "acme-prod"), "other-stg", false],
    ["the environment that it names in full", soak("shared-uat", "*-prod"), "shared-uat", true],
    ["an environment whose name ends in that", soak("shared-uat", "*-prod"), "not-shared-uat", false],
    ["any environment, without a soak rule", policy(["*-prod"]), "acme-stg", false],
  ])("reports whether a policy's soak source is %s", (_, it, name, expected) => {
    const dash = name.lastIndexOf("-");
    const environment = { organization: name.slice(0, dash), environment: name.slice(dash + 1) };
    expect(isSoakSource(it, environment)).toBe(expected);
  });
});
