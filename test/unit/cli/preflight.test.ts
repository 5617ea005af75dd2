import { describe, expect, it } from "vitest";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { postgresCheck } from "../../../src/cli/preflight/database-check.ts";
import { checkIdentity } from "../../../src/cli/preflight/identity-check.ts";
import { kubernetesCheck } from "../../../src/cli/preflight/version-check.ts";

describe("the version of Kubernetes", () => {
  it.each([
    ["v1.29.9", "problem"],
    ["v1.30.0", "unknown"],
    ["v1.33.1-eks-1", "unknown"],
    ["v1.34.4", "ok"],
    ["v1.36.4+k3s1", "ok"],
    ["v1.37.0", "unknown"],
    ["v2.0.0", "unknown"],
  ])("%s is %s", (version, state) => {
    const check = kubernetesCheck(version);
    expect(check).toMatchObject({ area: "versions", state, message: expect.stringContaining(version) });
    expect(check.remedy === undefined).toBe(state === "ok");
  });
});

describe("a person in no class", () => {
  const person = (username: string, groups: string[]) => ({
    create: async <T>() => ({ status: { userInfo: { username, groups } } }) as T,
  });

  it.each([
    ["fatma", ["ops", "system:authenticated"], "in --platform-groups: ops"],
    ["fatma", ["system:authenticated"], "install as a member of a group"],
    [
      "system:serviceaccount:argocd:controller",
      ["system:serviceaccounts", "system:serviceaccounts:argocd", "system:authenticated"],
      "in --platform-service-account-namespaces: argocd",
    ],
  ])("%s of %j is told which list to use, and never a group of Kubernetes", async (name, groups, remedy) => {
    const [check] = await checkIdentity(person(name, groups), identityLists());
    expect(check).toMatchObject({ state: "problem", remedy: expect.stringContaining(remedy) });
    expect(check?.remedy).not.toContain("system:");
  });
});

describe("the version of PostgreSQL", () => {
  it.each([
    [140_020, "problem", "14.20"],
    [150_001, "ok", "15.1"],
    [180_004, "ok", "18.4"],
    [190_000, "unknown", "19.0"],
  ])("%i is %s", (version, state, shown) => {
    expect(postgresCheck(version)).toMatchObject({ state, message: expect.stringContaining(shown) });
  });
});
