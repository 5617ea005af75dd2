import { describe, expect, it } from "vitest";
import { createDenialReport } from "../../../src/admission/denial-report.ts";
import { createEnforcer, type Enforcement } from "../../../src/admission/enforcement.ts";
import type { Violation } from "../../../src/admission/rules/fact.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { creation, verdict } from "../../support/builder/admission-request.ts";

const violation = (rule: Violation["rule"]): Violation => ({
  rule,
  path: "spec.a",
  message: "is wrong; mend it",
});
const DENIED = verdict({
  violations: [violation("image-digest"), violation("image-digest"), violation("helm-release")],
  warnings: ["is old"],
  auditAnnotations: { age: "old" },
});

function enforcer(enforcement: Enforcement) {
  const [registry, report] = [new Registry(), createDenialReport()];
  const enforce = createEnforcer({
    enforcement,
    report,
    registry,
    now: () => new Date("2026-06-01T00:00:00Z"),
  });
  return { registry, report, enforce };
}

describe("createEnforcer", () => {
  it("lets Deny answer the verdict as it is, and reports nothing", async () => {
    const { registry, report, enforce } = enforcer("Deny");
    expect(enforce(creation(), "tenant", DENIED)).toBe(DENIED);
    expect(report.take()).toEqual([]);
    expect(await registry.metrics()).toContain("catalyst_admission_enforcing 1");
  });

  it("lets Audit pass what Deny refuses, with a warning for each violation before the other warnings", async () => {
    const { registry, enforce } = enforcer("Audit");
    expect(enforce(creation(), "tenant", DENIED)).toEqual(
      verdict({
        warnings: [
          "would be denied: image-digest: spec.a: is wrong; mend it",
          "would be denied: image-digest: spec.a: is wrong; mend it",
          "would be denied: helm-release: spec.a: is wrong; mend it",
          "is old",
        ],
        auditAnnotations: { age: "old", "would-deny": "image-digest,helm-release" },
      }),
    );
    expect(await registry.metrics()).toContain("catalyst_admission_enforcing 0");
  });

  it("reports a row for each rule in Audit", () => {
    const { report, enforce } = enforcer("Audit");
    enforce(creation(), "tenant", DENIED);
    expect(report.take().map(({ rule, count }) => [rule, count])).toEqual([
      ["image-digest", 2],
      ["helm-release", 1],
    ]);
  });

  it.each<Enforcement>(["Deny", "Audit"])(
    "leaves a verdict without violations alone in %s",
    (enforcement) => {
      const passed = verdict({ warnings: ["is old"] });
      const { report, enforce } = enforcer(enforcement);
      expect(enforce(creation(), "tenant", passed)).toBe(passed);
      expect(report.take()).toEqual([]);
    },
  );

  it.each<Enforcement>(["Deny", "Audit"])(
    "counts violations by identity and rule in %s",
    async (enforcement) => {
      const { registry, enforce } = enforcer(enforcement);
      enforce(creation(), "franchisee", DENIED);
      const metrics = await registry.metrics();
      expect(metrics).toContain(
        'catalyst_admission_violations_total{identity="franchisee",rule="image-digest"} 2',
      );
      expect(metrics).toContain(
        'catalyst_admission_violations_total{identity="franchisee",rule="helm-release"} 1',
      );
    },
  );
});
