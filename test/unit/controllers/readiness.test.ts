import { describe, expect, it } from "vitest";
import type { Blueprint } from "../../../src/api/blueprint.ts";
import { RECONCILING, STALLED } from "../../../src/api/condition.ts";
import { desiredStatus } from "../../../src/controllers/blueprint/status.ts";
import { readyConditions } from "../../../src/controllers/readiness.ts";
import { condition, NOW } from "../../support/builder/catalyst-object.ts";

const summary = (conditions: { type: string; status: string }[] | undefined) =>
  conditions?.map(({ type, status }) => `${type}=${status}`);

describe("readiness, as kstatus says it", () => {
  const words = { reason: "Because", message: "of this" };
  const before = [condition("Stalled", "True", "2026-01-01T00:00:00Z"), condition("Reconciling", "True")];
  it.each([
    ["True", undefined, ["Ready=True"]],
    ["False", STALLED, ["Ready=False", "Stalled=True"]],
    ["False", RECONCILING, ["Ready=False", "Reconciling=True"]],
    ["False", undefined, ["Ready=False"]],
  ] as const)("Ready=%s with %s", (status, progress, expected) => {
    const seen = readyConditions(before, { status, ...words, progress }, 1, NOW);
    expect(summary(seen)?.sort()).toEqual(expected);
  });

  it("stalls where nothing else is said, and keeps the time of what goes on", () => {
    const seen = readyConditions(before, { status: "False", ...words }, 1, NOW);
    expect(seen.find(({ type }) => type === "Stalled")?.lastTransitionTime).toBe("2026-01-01T00:00:00Z");
  });
});

describe("a Blueprint", () => {
  const blueprint: Blueprint = {
    apiVersion: "catalyst.openova.io/v1alpha1",
    kind: "Blueprint",
    metadata: { name: "wordpress", generation: 3 },
    spec: {
      version: "1.0.0",
      source: { ref: `oci://registry.example/wordpress@sha256:${"c".repeat(64)}` },
      visibility: "private",
      card: { title: "WordPress", summary: "A site", category: "web" },
    } as Blueprint["spec"],
  };
  it.each([
    [{ kind: "verified", digest: "sha256:c", by: "a key" } as const, ["Ready=True", "Verified=True"]],
    [{ kind: "refused", reason: "unsigned" } as const, ["Ready=False", "Stalled=True", "Verified=False"]],
  ])("is Ready exactly when it is verified: %j", (verdict, expected) => {
    expect(summary(desiredStatus(blueprint, verdict, NOW).conditions)).toEqual(expected);
  });
});
