import { describe, expect, it } from "vitest";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { IMAGE, NEXT_IMAGE, sovereign } from "../../../support/builder/catalyst-object.ts";
import { billingPod } from "../../../support/builder/pod.ts";
import {
  type Cluster,
  FOUNDATION,
  finished,
  migratedTo,
  NAMESPACE,
  READ_SECRETS,
  reconcile,
  secret,
  workload,
} from "../../../support/builder/sovereign-sequence.ts";

describe("reconcileSovereign", () => {
  it("changes nothing for a Sovereign that it must not reconcile", async () => {
    const { stop, calls } = await reconcile(sovereign("omantel", { suspend: true }));
    expect([stop?.reason, calls]).toEqual(["Suspended", []]);
  });

  it("sets its finalizer beside others before it applies any object", async () => {
    const { calls } = await reconcile(sovereign("omantel"), { hasFinalizer: false });
    expect(calls[0]).toBe(
      'patch Sovereign omantel {"metadata":{"finalizers":["theirs","catalyst.openova.io/sovereign"],"resourceVersion":"7"}}',
    );
    expect(calls.slice(1, 5)).toEqual(FOUNDATION);
  });

  describe("before the first image", () => {
    it("reads no Secret while the release is missing", async () => {
      const { stop, calls } = await reconcile(sovereign("omantel"), { releases: [] });
      expect([stop?.reason, calls]).toEqual(["ReleaseMissing", FOUNDATION]);
    });

    it("waits for the database after the foundation and the configuration", async () => {
      const { stop, calls } = await reconcile(sovereign("omantel"), { isReachable: false });
      expect([stop?.reason, calls]).toEqual([
        "DatabaseUnreachable",
        [...FOUNDATION, ...READ_SECRETS, "probe"],
      ]);
    });

    it("creates no workload while the authorities of the issuer's certificate cannot be read", async () => {
      const own = sovereign("omantel");
      const { billing } = own.spec;
      const auth = {
        ...billing.auth,
        ...{ issuer: "https://id.example", audience: "billing" },
        caCertificateRef: { kind: "ConfigMap", name: "ca", key: "ca.crt" } as const,
      };
      const { stop, calls, findings } = await reconcile(
        { ...own, spec: { ...own.spec, billing: { ...billing, auth } } },
        finished(NEXT_IMAGE),
      );
      expect(stop).toMatchObject({ kind: "waiting", reason: "ConfigMapMissing" });
      const [first, second, third, configMap] = FOUNDATION;
      expect(calls).toEqual([first, second, third, "get ConfigMap ca", configMap, ...READ_SECRETS, "probe"]);
      expect(findings.conditions).toContainEqual(
        expect.objectContaining({ type: "RolledOut", status: "False", reason: "ConfigMapMissing" }),
      );
    });

    it("creates the migration Job, and no workload until it is complete", async () => {
      const { stop, calls } = await reconcile(sovereign("omantel"));
      expect(stop?.reason).toBe("Migrating");
      expect(calls.slice(6)).toEqual(["probe", "list Job", "list Pod", "create Job"]);
    });

    it("applies the workload when the migration is complete, then waits for the rollout", async () => {
      const { stop, calls, pruned } = await reconcile(sovereign("omantel"), {
        ...finished(NEXT_IMAGE),
        available: 1,
      });
      expect(stop?.reason).toBe("RollingOut");
      expect(calls).toEqual([...FOUNDATION, ...READ_SECRETS, "probe", ...workload("new"), "prune"]);
      expect(pruned[0]?.wanted.sort()).toEqual(
        [
          `Namespace ${NAMESPACE}`,
          "ServiceAccount billing",
          "ServiceAccount billing-migrate",
          "ConfigMap billing-config",
          "Deployment billing",
          "Service billing",
          "PodDisruptionBudget billing",
          "NetworkPolicy billing",
        ].sort(),
      );
    });

    it("starts no Pod without a Secret that it refers to", async () => {
      const { stop, calls } = await reconcile(sovereign("omantel"), {
        ...finished(NEXT_IMAGE),
        secrets: [secret("billing-db")],
      });
      expect(stop).toEqual({
        kind: "waiting",
        reason: "SecretMissing",
        message: `Secret ${NAMESPACE}/billing-jwt does not exist: create it with key secret, which must have at least 32 bytes`,
        retryAfterMs: 60_000,
        isWatched: true,
      });
      expect(calls).toEqual([...FOUNDATION, ...READ_SECRETS, "probe"]);
    });

    it("ends with the smoke test and the comparison", async () => {
      const { jobs, pods } = finished(NEXT_IMAGE);
      const { stop, calls, findings } = await reconcile(sovereign("omantel"), {
        jobs,
        pods: [...pods, billingPod("billing-1", { image: NEXT_IMAGE })],
      });
      expect(stop).toBeUndefined();
      expect(calls.at(-1)).toBe("smoke");
      expect(findings.conditions.map(({ type, status }) => `${type}=${status}`)).toEqual([
        "SettingsAccepted=True",
        "ImagePinned=True",
        "DatabaseReady=True",
        "Migrated=True",
        "RolledOut=True",
        "VoucherShapeVerified=True",
        "InSync=True",
      ]);
    });

    it("stops at a smoke test that fails", async () => {
      const { stop } = await reconcile(sovereign("omantel"), finished(NEXT_IMAGE));
      expect(stop?.reason).toBe("SmokeTestFailed");
    });
  });

  describe("with an image that runs", () => {
    const put = [...FOUNDATION, ...READ_SECRETS, ...workload("old")];
    const running = (spec = {}) => sovereign("omantel", spec, migratedTo(IMAGE));

    it.each<[string, Sovereign, Cluster, string]>([
      ["the release is missing", running(), { releases: [] }, "ReleaseMissing"],
      [
        "the Franchise is missing",
        running({ role: "Franchised", franchise: "omantel" }),
        {},
        "FranchiseMissing",
      ],
    ])("corrects the workload although %s, and does nothing else", async (_which, own, cluster, reason) => {
      const { stop, calls } = await reconcile(own, cluster);
      expect([stop?.reason, calls]).toEqual([reason, put]);
    });

    it("reports the missing Franchise when the release is missing too", async () => {
      const own = running({ role: "Franchised", franchise: "omantel" });
      const { stop, findings } = await reconcile(own, { releases: [] });
      expect(stop?.reason).toBe("FranchiseMissing");
      expect(findings.conditions).toMatchObject([
        { type: "RolledOut", status: "True" },
        { type: "ImagePinned", reason: "ReleaseMissing" },
      ]);
    });

    it("corrects the workload although the database is down", async () => {
      const { stop, calls } = await reconcile(running(), { isReachable: false });
      expect([stop?.reason, calls]).toEqual(["DatabaseUnreachable", [...put, "probe"]]);
    });

    it("corrects the workload although the Secret of its database is missing", async () => {
      const { stop, calls } = await reconcile(running(), { secrets: [secret("billing-jwt")] });
      expect([stop?.reason, calls]).toEqual(["SecretMissing", put]);
    });

    it("replaces the workload when the migration of the next image is complete", async () => {
      const own = running();
      const { calls, findings } = await reconcile(own, { ...finished(NEXT_IMAGE, own), available: 1 });
      expect(calls).toEqual([...put, "probe", ...workload("new"), "prune"]);
      expect(findings.facts.pinnedImage).toBe(NEXT_IMAGE);
    });

    it("applies the workload once when it has the release's image already", async () => {
      const own = sovereign("omantel", {}, migratedTo(NEXT_IMAGE));
      const pods = [billingPod("billing-1", { image: NEXT_IMAGE })];
      const { stop, calls } = await reconcile(own, { pods });
      expect(stop).toBeUndefined();
      expect(calls).toEqual([...FOUNDATION, ...READ_SECRETS, ...workload("new"), "probe", "prune", "smoke"]);
    });

    it("does not run the workload on another database before that is migrated", async () => {
      const status = { ...migratedTo(IMAGE), migration: { image: IMAGE, database: "sha256:other" } };
      const { stop, calls } = await reconcile(sovereign("omantel", {}, status));
      expect(stop?.reason).toBe("Migrating");
      expect(calls.filter((call) => call.startsWith("apply Deployment"))).toEqual([]);
    });
  });
});
