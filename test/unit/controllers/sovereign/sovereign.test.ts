import { describe, expect, it } from "vitest";
import { findCondition } from "../../../../src/api/condition.ts";
import { desiredConfiguration } from "../../../../src/controllers/sovereign/desired-configuration.ts";
import { desiredMigrationJob } from "../../../../src/controllers/sovereign/desired-migration.ts";
import { desiredWorkload, urlOf } from "../../../../src/controllers/sovereign/desired-workload.ts";
import { describeDrift, touchesImage } from "../../../../src/controllers/sovereign/drift.ts";
import { isFresh, shapeDifference, smokeCode } from "../../../../src/controllers/sovereign/evidence.ts";
import {
  containerMessages,
  migrationResult,
  rolloutPending,
} from "../../../../src/controllers/sovereign/observed.ts";
import {
  desiredStatus,
  type Findings,
  falseCondition,
  trueCondition,
} from "../../../../src/controllers/sovereign/status.ts";
import {
  condition,
  franchise,
  IMAGE,
  measured,
  NOW,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";

const nowMs = Date.parse(NOW);
const ALL = ["ImagePinned", "DatabaseReady", "Migrated", "RolledOut", "VoucherShapeVerified", "InSync"];
const findings = (change: Partial<Findings> = {}): Findings => ({
  conditions: [],
  facts: {},
  stop: undefined,
  ...change,
});

describe("what is kept for a Sovereign", () => {
  const manifests = [
    ...desiredWorkload(sovereign("omantel"), IMAGE, undefined),
    desiredMigrationJob(sovereign("omantel"), IMAGE, "sha256:0"),
  ];
  const text = JSON.stringify(manifests);

  it("pins the digest everywhere, and refers to Secrets without holding one", () => {
    expect([...text.matchAll(/"image":"([^"]+)"/g)].map(([, image]) => image)).toEqual([IMAGE, IMAGE]);
    expect(text).toContain(
      '{"name":"DATABASE_URL","valueFrom":{"secretKeyRef":{"name":"billing-db","key":"uri"}}}',
    );
    expect(text).not.toMatch(/"name":"(DATABASE_URL|JWT_SECRET)","value"/);
  });

  it("fulfils the restricted Pod security standard", () => {
    for (const kind of ["Deployment", "Job"]) {
      const manifest = JSON.stringify(manifests.find((object) => object.kind === kind));
      for (const demand of [
        '"runAsNonRoot":true',
        '"allowPrivilegeEscalation":false',
        '"drop":["ALL"]',
        '"type":"RuntimeDefault"',
        '"readOnlyRootFilesystem":true',
      ]) {
        expect(manifest).toContain(demand);
      }
    }
  });

  it("has an Ingress exactly where the spec asks for one", () => {
    const ingress = { host: "vouchers.example", tlsSecretName: "tls", rateLimitPerSecond: 5 };
    const own = sovereign("omantel");
    const shown = { ...own, spec: { ...own.spec, billing: { ...own.spec.billing, ingress } } };
    expect(desiredWorkload(own, IMAGE, undefined).map(({ kind }) => kind)).not.toContain("Ingress");
    expect(desiredWorkload(shown, IMAGE, undefined).map(({ kind }) => kind)).toContain("Ingress");
    expect(urlOf(shown, "sovereign-omantel")).toBe("https://vouchers.example");
    expect(urlOf(own, "sovereign-omantel")).toBe("http://billing.sovereign-omantel.svc:8085");
  });

  const NONE = { maxActive: 0, maxOutstandingCreditOmr: 0 };
  const ungranted = {
    ...franchise("omantel"),
    spec: { ...franchise("omantel").spec, grants: { branding: true } },
  };
  it.each([
    ["in its term", franchise("omantel"), true, { maxActive: 10 }],
    ["outside its term", franchise("omantel"), false, NONE],
    ["without the grant", ungranted, true, NONE],
    ["that does not exist", undefined, false, NONE],
  ])("grants vouchers as the Franchise says: one %s", (_which, agreement, isInTerm, grants) => {
    const input = {
      sovereign: sovereign("omantel", { role: "Franchised", franchise: "omantel" }),
      franchise: agreement,
      isInTerm,
      operatorJwks: { keys: [] },
    };
    expect(JSON.parse(desiredConfiguration(input).data["grants.json"] ?? "")).toEqual(grants);
  });

  it("writes prices as the voucher API reads them", () => {
    const tiers = [{ id: "starter", name: "Starter", priceBaisa: 5000 }];
    const { data } = desiredConfiguration({
      sovereign: sovereign("o", { tiers }),
      franchise: undefined,
      isInTerm: true,
      operatorJwks: {},
    });
    // Under no Franchise, nothing limits it.
    expect(data["grants.json"]).toBe("{}");
    expect(JSON.parse(data["catalog.json"] ?? "")).toEqual({
      plans: [{ id: "starter", name: "Starter", price_baisa: 5000 }],
      addons: [],
    });
  });
});

describe("drift", () => {
  const image = {
    kind: "Deployment",
    name: "billing",
    fields: ["spec.template.spec.containers[billing].image"],
  };
  const gone = { kind: "Service", name: "billing", fields: [] };

  it("is told by its fields, or as a deletion", () => {
    expect(describeDrift(image)).toBe("Deployment billing: spec.template.spec.containers[billing].image");
    expect(describeDrift(gone)).toBe("Service billing: deleted");
  });

  it("unpins where it touches a container's image", () => {
    expect(touchesImage(image)).toBe(true);
    expect(touchesImage(gone)).toBe(false);
  });
});

describe("status", () => {
  it("is Ready exactly when nothing stopped and every condition trueCondition", () => {
    const all = findings({ conditions: ALL.map((type) => trueCondition(type, "Test", "")) });
    const ready = desiredStatus(sovereign("o"), all, NOW).conditions;
    expect(findCondition(ready, "Ready")).toMatchObject({ status: "True", observedGeneration: 1 });
    for (const missing of ALL) {
      const partly = findings({ conditions: all.conditions.filter(({ type }) => type !== missing) });
      expect(findCondition(desiredStatus(sovereign("o"), partly, NOW).conditions, "Ready")?.status).toBe(
        "False",
      );
    }
  });

  it.each([
    ["waiting", "Reconciling", "False"],
    ["stalled", "Stalled", "False"],
    ["unknown", undefined, "Unknown"],
  ] as const)("while %s says %s and Ready=%s", (kind, progress, ready) => {
    const stop = { kind, reason: "Because", message: "of this", retryAfterMs: 1 };
    const { conditions } = desiredStatus(sovereign("o"), findings({ stop }), NOW);
    expect(findCondition(conditions, "Ready")).toMatchObject({
      status: ready,
      reason: "Because",
      message: "of this",
    });
    const present = ["Reconciling", "Stalled"].filter(
      (type) => findCondition(conditions, type) !== undefined,
    );
    expect(present).toEqual(progress === undefined ? [] : [progress]);
  });

  it("takes the last word on a condition for the only one", () => {
    const before = desiredStatus(
      sovereign("o"),
      findings({ conditions: [falseCondition("InSync", "FieldConflict", "")] }),
      "2026-01-01T00:00:00Z",
    );
    const both = findings({
      conditions: [trueCondition("InSync", "InSync", ""), falseCondition("InSync", "FieldConflict", "")],
    });
    expect(desiredStatus(sovereign("o", {}, before), both, NOW)).toEqual(before);
  });

  it("keeps the time of a condition that goes on, Reconciling too", () => {
    const stop = { kind: "waiting" as const, reason: "RollingOut", message: "", retryAfterMs: 1 };
    const before = desiredStatus(
      sovereign("o"),
      findings({ stop, conditions: [falseCondition("RolledOut", "x", "1 of 2")] }),
      "2026-01-01T00:00:00Z",
    );
    const { conditions } = desiredStatus(
      sovereign("o", {}, before),
      findings({ stop, conditions: [falseCondition("RolledOut", "x", "2 of 2")] }),
      NOW,
    );
    expect(conditions?.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(
      conditions?.map(() => "2026-01-01T00:00:00Z"),
    );
    expect(findCondition(conditions, "RolledOut")?.message).toBe("2 of 2");
  });
});

describe("what a cluster says", () => {
  const deployment = (status: object) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "billing", generation: 2 },
    spec: { replicas: 2 },
    status,
  });

  it.each([
    [{}, "the Deployment controller has not started the rollout yet"],
    [
      { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 },
      "the Deployment controller has not started the rollout yet",
    ],
    [
      { observedGeneration: 2, replicas: 3, updatedReplicas: 1, availableReplicas: 2 },
      "1 of 2 replicas are updated",
    ],
    [
      { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 1 },
      "1 of 2 replicas are available",
    ],
    [
      { observedGeneration: 2, replicas: 3, updatedReplicas: 2, availableReplicas: 3 },
      "1 of 3 replicas still run the earlier template",
    ],
    [{ observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }, undefined],
  ])("rollout %j: %s", (status, pending) => expect(rolloutPending(deployment(status))).toBe(pending));

  it("reads the migration's result among other words", () => {
    const pod = (message: string, waiting?: string) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      status: {
        containerStatuses: [
          {
            state:
              waiting === undefined
                ? { terminated: { exitCode: 0, message } }
                : { waiting: { reason: waiting } },
          },
        ],
      },
    });
    expect(migrationResult([pod("boom"), pod('{"version":"0005","fingerprint":"sha256:1"}')])).toEqual({
      version: "0005",
      fingerprint: "sha256:1",
    });
    expect(migrationResult([pod('{"version":5}')])).toBeUndefined();
    expect(containerMessages([pod("", "ImagePullBackOff")])).toEqual(["ImagePullBackOff"]);
  });
});

describe("evidence", () => {
  it("is gathered with the same voucher for each Pod every time, and with another for each", () => {
    const codes = ["a", "b"].flatMap((uid) => [0, 1].map((index) => smokeCode(uid, index)));
    expect(new Set(codes).size).toBe(4);
    expect(codes[0]).toBe(smokeCode("a", 0));
    expect(codes[0]).toMatch(/^SMOKE-[0-9A-F]{16}$/);
  });

  const proven = sovereign(
    "o",
    {},
    {
      ...verifiedOn(IMAGE),
      lastSmokeTest: { time: NOW, passed: true, evidence: "e", steps: [] },
      conditions: [condition("InSync", "True")],
    },
  );

  it.each([
    [true, "e", true, 0],
    [false, "other", true, 0],
    [false, "e", false, 0],
    [false, "e", true, 5 * 60_000],
  ])("is fresh: %s for evidence %s, in sync %s, %d ms old", (fresh, evidence, isInSync, ageMs) => {
    expect(isFresh(proven, evidence, isInSync, nowMs + ageMs)).toBe(fresh);
  });

  it("says which fingerprint differs from the reference", () => {
    const { reference } = measured(IMAGE);
    if (reference === undefined) throw new Error("no reference");
    expect(shapeDifference(verifiedOn(IMAGE), reference)).toBeUndefined();
    const other = `sha256:${"9".repeat(64)}`;
    expect(shapeDifference({ ...verifiedOn(IMAGE), schemaFingerprint: other }, reference)).toBe(
      `the schema fingerprint is ${other}, but the reference measured on zero is ${reference.schemaFingerprint}: ` +
        "run `catalyst migrate` on the database to list the objects that differ, and undo those changes",
    );
  });
});
