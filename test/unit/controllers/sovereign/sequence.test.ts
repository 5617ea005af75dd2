import { describe, expect, it } from "vitest";
import type { KubernetesObject, SecretObject } from "../../../../src/api/object.ts";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { desiredMigrationJob } from "../../../../src/controllers/sovereign/desired-migration.ts";
import type { JobObject, PodObject } from "../../../../src/controllers/sovereign/observed.ts";
import { databaseIdentity } from "../../../../src/controllers/sovereign/secret.ts";
import { reconcileSovereign } from "../../../../src/controllers/sovereign/sequence.ts";
import type { Applier } from "../../../../src/kube/apply.ts";
import type { KubeClient } from "../../../../src/kube/client.ts";
import {
  type franchise,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../support/builder/reconcile-context.ts";

const NAMESPACE = "sovereign-omantel";
const secret = (name: string): SecretObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: NAMESPACE, uid: `uid-${name}`, resourceVersion: "1" },
  data: {
    uri: Buffer.from("postgres://billing:secret@db:5432/billing").toString("base64"),
    secret: Buffer.from("k".repeat(32)).toString("base64"),
  },
});
const SECRETS = [secret("billing-db"), secret("billing-jwt")];
const OWN_NAMESPACE: KubernetesObject = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: NAMESPACE, labels: { "catalyst.openova.io/sovereign": "omantel" } },
};

interface Cluster {
  /** Default: both Secrets. */
  secrets?: SecretObject[];
  releases?: ReturnType<typeof release>[];
  franchises?: ReturnType<typeof franchise>[];
  /** Whether the database accepts logins; default true. */
  isReachable?: boolean;
  /** Replicas that are available; default all. */
  available?: number;
  jobs?: JobObject[];
  pods?: PodObject[];
  hasFinalizer?: boolean;
}

const databaseOf = (own: Sovereign) =>
  databaseIdentity(own, new Map(SECRETS.map((each) => [each.metadata.name, each]))) ?? "";
const migratedTo = (image: string, pinned = image) => ({
  ...verifiedOn(pinned),
  migration: { image, database: databaseOf(sovereign("omantel")) },
});

/** Reconciles a Sovereign once, and lists every effect in its order. */
async function reconcile(own: Sovereign, cluster: Cluster = {}) {
  const { secrets = SECRETS, isReachable = true, available = 2, hasFinalizer = true } = cluster;
  const calls: string[] = [];
  const pruned: { wanted: string[] }[] = [];
  const nameOf = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata.name}`;
  const client = {
    get: async ({ kind }: { kind: string }, { name }: { name: string }) => {
      calls.push(`get ${kind} ${name}`);
      return kind === "Secret" ? secrets.find(({ metadata }) => metadata.name === name) : undefined;
    },
    list: async ({ kind }: { kind: string }) => {
      calls.push(`list ${kind}`);
      return { items: [], resourceVersion: "1" };
    },
    create: async (_resource: unknown, object: KubernetesObject) => {
      calls.push(`create ${object.kind}`);
      return object;
    },
    mergePatch: async ({ kind }: { kind: string }, { name }: { name: string }, patch: unknown) => {
      calls.push(`patch ${kind} ${name} ${JSON.stringify(patch)}`);
      return own;
    },
  } as unknown as KubeClient;
  const applier = {
    apply: async (desired: KubernetesObject) => {
      const { containers } =
        (desired as { spec?: { template?: { spec?: { containers?: { image: string }[] } } } }).spec?.template
          ?.spec ?? {};
      const image = containers?.[0]?.image;
      calls.push(
        `apply ${nameOf(desired)}${image === undefined ? "" : ` ${image === IMAGE ? "old" : "new"}`}`,
      );
      const status = { replicas: 2, updatedReplicas: 2, availableReplicas: available };
      return { kind: "unchanged", object: desired.kind === "Deployment" ? { ...desired, status } : desired };
    },
    prune: async (wanted: readonly KubernetesObject[]) => {
      calls.push("prune");
      pruned.push({ wanted: wanted.map(nameOf) });
      return [];
    },
  } as unknown as Applier;
  const finalizers = hasFinalizer ? ["catalyst.openova.io/sovereign"] : ["theirs"];
  const subject = { ...own, metadata: { ...own.metadata, resourceVersion: "7", finalizers } };
  const context = contextOf(
    subject,
    {
      namespaces: [OWN_NAMESPACE],
      sovereigns: [subject],
      releases: cluster.releases ?? [release({}, measured(NEXT_IMAGE))],
      franchises: cluster.franchises ?? [],
      jobs: cluster.jobs ?? [],
      pods: cluster.pods ?? [],
    },
    {
      client,
      applier,
      probeDatabase: async () => {
        calls.push("probe");
        return isReachable ? { kind: "ready" } : { kind: "unready", reason: "nothing listens there" };
      },
      smoke: async () => {
        calls.push("smoke");
        return {
          passed: true,
          steps: [],
          apiFingerprint: verifiedOn(IMAGE).apiFingerprint,
          schema: { version: "0001", fingerprint: verifiedOn(IMAGE).schemaFingerprint ?? "" },
        };
      },
    },
  );
  const stop = await reconcileSovereign(context);
  return { stop, calls, pruned, findings: context.findings };
}

const FOUNDATION = [
  `apply Namespace ${NAMESPACE}`,
  "apply ServiceAccount billing",
  "apply ServiceAccount billing-migrate",
  "apply ConfigMap billing-config",
];
const READ_SECRETS = ["get Secret billing-db", "get Secret billing-jwt"];
const workload = (which: "old" | "new") => [
  `apply Deployment billing ${which}`,
  "apply Service billing",
  "apply PodDisruptionBudget billing",
  "apply NetworkPolicy billing",
];

function finished(image: string): { jobs: JobObject[]; pods: PodObject[] } {
  const own = sovereign("omantel");
  const desired = desiredMigrationJob(own, image, databaseOf(own));
  const owner = { apiVersion: "batch/v1", kind: "Job", name: desired.metadata.name, uid: "uid-job" };
  const message = JSON.stringify({ version: "0001", fingerprint: verifiedOn(image).schemaFingerprint });
  return {
    jobs: [
      {
        ...desired,
        metadata: { ...desired.metadata, uid: "uid-job" },
        status: { conditions: [{ type: "Complete", status: "True" }], completionTime: NOW },
      },
    ],
    pods: [
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "migrate", namespace: NAMESPACE, ownerReferences: [owner] },
        status: { containerStatuses: [{ name: "migrate", state: { terminated: { exitCode: 0, message } } }] },
      },
    ],
  };
}
const billingPod = (image: string): PodObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "billing-1",
    namespace: NAMESPACE,
    uid: "uid-pod",
    labels: { "app.kubernetes.io/name": "billing" },
  },
  spec: { containers: [{ name: "billing", image }] },
  status: { podIP: "10.0.0.1", conditions: [{ type: "Ready", status: "True" }] },
});

describe("reconcileSovereign", () => {
  it("changes nothing for a Sovereign that it must not reconcile", async () => {
    const { stop, calls } = await reconcile(sovereign("omantel", { suspend: true }));
    expect([stop?.reason, calls]).toEqual(["Suspended", []]);
  });

  it("sets its finalizer beside others before it makes anything", async () => {
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
        pods: [...pods, billingPod(NEXT_IMAGE)],
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
    ])("puts it back although %s, and goes no further", async (_which, own, cluster, reason) => {
      const { stop, calls } = await reconcile(own, cluster);
      expect([stop?.reason, calls]).toEqual([reason, put]);
    });

    it("names the Franchise when the release is missing too", async () => {
      const own = running({ role: "Franchised", franchise: "omantel" });
      const { stop, findings } = await reconcile(own, { releases: [] });
      expect(stop?.reason).toBe("FranchiseMissing");
      expect(findings.conditions).toMatchObject([{ type: "ImagePinned", reason: "ReleaseMissing" }]);
    });

    it("puts it back although the database is down", async () => {
      const { stop, calls } = await reconcile(running(), { isReachable: false });
      expect([stop?.reason, calls]).toEqual(["DatabaseUnreachable", [...put, "probe"]]);
    });

    it("puts it back although its database's Secret is missing", async () => {
      const { stop, calls } = await reconcile(running(), { secrets: [secret("billing-jwt")] });
      expect([stop?.reason, calls]).toEqual(["SecretMissing", put]);
    });

    it("replaces it when the migration of the next image is complete", async () => {
      const { calls, findings } = await reconcile(running(), { ...finished(NEXT_IMAGE), available: 1 });
      expect(calls).toEqual([...put, "probe", ...workload("new"), "prune"]);
      expect(findings.facts.pinnedImage).toBe(NEXT_IMAGE);
    });

    it("applies the workload once when it has the release's image already", async () => {
      const own = sovereign("omantel", {}, migratedTo(NEXT_IMAGE));
      const { stop, calls } = await reconcile(own, { pods: [billingPod(NEXT_IMAGE)] });
      expect(stop).toBeUndefined();
      expect(calls).toEqual([...FOUNDATION, ...READ_SECRETS, ...workload("new"), "probe", "prune", "smoke"]);
    });

    it("does not run it on another database before that is migrated", async () => {
      const status = { ...migratedTo(IMAGE), migration: { image: IMAGE, database: "sha256:other" } };
      const { stop, calls } = await reconcile(sovereign("omantel", {}, status));
      expect(stop?.reason).toBe("Migrating");
      expect(calls.filter((call) => call.startsWith("apply Deployment"))).toEqual([]);
    });
  });
});
