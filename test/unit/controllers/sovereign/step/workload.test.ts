import { describe, expect, it } from "vitest";
import type { KubernetesObject, SecretObject } from "../../../../../src/api/object.ts";
import type { DeploymentObject } from "../../../../../src/controllers/sovereign/observed.ts";
import { type Secrets, secretsDigest } from "../../../../../src/controllers/sovereign/secret.ts";
import { type SecretFacts, secretFactsOf } from "../../../../../src/controllers/sovereign/secret-facts.ts";
import { applyWorkload, checkSecrets } from "../../../../../src/controllers/sovereign/step/workload.ts";
import type { Applier } from "../../../../../src/kube/apply.ts";
import type { KubeClient } from "../../../../../src/kube/client.ts";
import { KubeError } from "../../../../../src/kube/error.ts";
import type { Resource } from "../../../../../src/kube/resource.ts";
import { sha256Digest } from "../../../../../src/platform/canonical-json.ts";
import { IMAGE, sovereign } from "../../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";

const SECRETS_ANNOTATION = "catalyst.openova.io/secrets";
const secret: SecretObject = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "billing-db", uid: "1", resourceVersion: "1" },
  data: {
    uri: Buffer.from("postgres://db/billing").toString("base64"),
    secret: Buffer.from("k".repeat(32)).toString("base64"),
  },
};
const stored: Secrets = new Map([
  ["billing-db", secret],
  ["billing-jwt", secret],
]);
const complete = secretFactsOf(sovereign("omantel"), stored, sha256Digest);
const incomplete = secretFactsOf(sovereign("omantel"), new Map([["billing-db", secret]]), sha256Digest);
const live = (annotations?: Record<string, string>): DeploymentObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "billing", namespace: "sovereign-omantel" },
  spec: { template: { metadata: annotations === undefined ? {} : { annotations } } },
});

async function applied(
  secrets: SecretFacts,
  deployments: DeploymentObject[] = [],
  list?: (resource: Resource, options: object) => Promise<{ items: KubernetesObject[] }>,
) {
  const objects: KubernetesObject[] = [];
  const applier = {
    apply: async (desired: KubernetesObject) => {
      objects.push(desired);
      return { kind: "unchanged", object: { ...desired, metadata: { ...desired.metadata, uid: "live" } } };
    },
  } as unknown as Applier;
  const context = contextOf(
    sovereign("omantel"),
    { deployments },
    {
      ...{ applier, billingDrainSeconds: 33 },
      ...(list === undefined ? {} : { client: { list } as unknown as KubeClient }),
    },
  );
  const workload = await applyWorkload(context, IMAGE, secrets);
  const [deployment] = objects as DeploymentObject[];
  return {
    workload,
    objects,
    requeueAfterMs: context.findings.requeueAfterMs,
    annotation: deployment?.spec?.template?.metadata?.annotations?.[SECRETS_ANNOTATION],
  };
}

describe("applyWorkload", () => {
  it("applies every object, and returns the live Deployment", async () => {
    const { workload, objects } = await applied(complete);
    expect(objects.map(({ kind }) => kind)).toEqual([
      "Deployment",
      "Service",
      "PodDisruptionBudget",
      "NetworkPolicy",
    ]);
    expect(workload).toMatchObject({
      image: IMAGE,
      objects,
      deployment: { kind: "Deployment", metadata: { uid: "live" } },
    });
    expect(JSON.stringify(objects)).toContain('{"name":"DRAIN_SECONDS","value":"33"}');
  });

  it("starts Pods with the present Secrets", async () => {
    const { annotation } = await applied(complete, [live({ [SECRETS_ANNOTATION]: "sha256:earlier" })]);
    expect(annotation).toBe(secretsDigest(sovereign("omantel"), stored, sha256Digest));
  });

  it.each([
    [
      "keeps the Secrets that the Pods started with",
      [live({ [SECRETS_ANNOTATION]: "sha256:e" })],
      "sha256:e",
    ],
    ["notes no Secrets for Pods that have none noted", [live()], undefined],
    ["notes no Secrets when no Pod runs", [], undefined],
  ])("while a Secret is missing, it %s", async (_what, deployments, expected) => {
    const { annotation } = await applied(incomplete, deployments);
    expect(annotation).toBe(expected);
  });
});

describe("the replicas of a Deployment that an autoscaler may set", () => {
  const withReplicas = (replicas: number) => {
    const deployment = live();
    return { ...deployment, spec: { ...deployment.spec, replicas } };
  };
  const autoscaler = (scaleTargetRef: object, metadata: object = {}): KubernetesObject =>
    ({
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "billing", ...metadata },
      spec: { scaleTargetRef },
    }) as KubernetesObject;
  const BILLING = { apiVersion: "apps/v1", kind: "Deployment", name: "billing" };
  async function replicasWith(replicas: number, list: () => Promise<{ items: KubernetesObject[] }>) {
    const asked: unknown[] = [];
    const { objects, requeueAfterMs } = await applied(
      complete,
      [withReplicas(replicas)],
      (resource, options) => {
        asked.push([resource.plural, options]);
        return list();
      },
    );
    return { replicas: (objects[0] as DeploymentObject).spec?.replicas, asked, requeueAfterMs };
  }

  it.each<[string, KubernetesObject[], number | undefined]>([
    ["are left out when one targets it", [autoscaler(BILLING)], undefined],
    ["are the manifest's without one", [], 2],
    ["are the manifest's when one targets another Deployment", [autoscaler({ ...BILLING, name: "web" })], 2],
    [
      "are the manifest's when one targets another kind",
      [autoscaler({ ...BILLING, kind: "StatefulSet" })],
      2,
    ],
    [
      "are the manifest's when the one is being deleted",
      [autoscaler(BILLING, { deletionTimestamp: "2026-11-29T12:00:00Z" })],
      2,
    ],
  ])("%s", async (_, items, expected) => {
    const { replicas, asked, requeueAfterMs } = await replicasWith(5, async () => ({ items }));
    expect(replicas).toBe(expected);
    // The deletion of an autoscaler needs the retry, because no watch reports it.
    expect(requeueAfterMs).toBe(expected === undefined ? 600_000 : undefined);
    expect(asked).toEqual([["horizontalpodautoscalers", { namespace: "sovereign-omantel" }]]);
  });

  it("are the manifest's in a cluster without autoscalers", async () => {
    const missing = new KubeError("no such kind", { status: 404, reason: "NotFound" });
    expect((await replicasWith(5, () => Promise.reject(missing))).replicas).toBe(2);
  });

  it("cost no request while they are as the manifest says", async () => {
    expect(await replicasWith(2, async () => ({ items: [autoscaler(BILLING)] }))).toEqual({
      replicas: 2,
      asked: [],
      requeueAfterMs: undefined,
    });
  });
});

describe("checkSecrets", () => {
  const message =
    "Secret sovereign-omantel/billing-jwt does not exist: create it with key secret, which must have at least 32 bytes";

  it("continues when every Secret has its key", () => {
    const context = contextOf(sovereign("omantel"));
    expect(checkSecrets(context, complete.problem, false)).toBeUndefined();
    expect(context.findings.conditions).toEqual([]);
  });

  it.each([
    ["says in RolledOut that no Pod starts", false, ["RolledOut=False"]],
    ["keeps RolledOut while Pods of the image run", true, []],
  ])("waits for a Secret, and %s", (_what, isRunning, expected) => {
    const context = contextOf(sovereign("omantel"));
    expect(checkSecrets(context, incomplete.problem, isRunning)).toEqual({
      ...{ kind: "waiting", reason: "SecretMissing", message, retryAfterMs: 60_000, isWatched: true },
    });
    expect(context.findings.conditions.map(({ type, status }) => `${type}=${status}`)).toEqual(expected);
  });
});
