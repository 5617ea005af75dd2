import { cpSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments, stringify } from "yaml";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition } from "../../../src/api/condition.ts";
import { ENVIRONMENT_POLICY } from "../../../src/api/environment-policy.ts";
import { FRANCHISE, type Franchise } from "../../../src/api/franchise.ts";
import { API_VERSION } from "../../../src/api/kind.ts";
import { ANNOTATION, LABEL } from "../../../src/api/label.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { SOVEREIGN, type Sovereign, type SovereignSpec } from "../../../src/api/sovereign.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import type { OwnedObject } from "../../../src/kube/foreign-field.ts";
import {
  DEPLOYMENTS,
  NAMESPACES,
  resourceOf,
  resourceOfManifest,
  SECRETS,
} from "../../../src/kube/resource.ts";
import { franchise, IMAGE, NEXT_IMAGE, release, sovereign } from "../../support/builder/catalyst-object.ts";
import {
  defineKinds,
  type OperatorBench,
  RELEASES,
  SOVEREIGNS,
  until,
  useOperatorBench,
} from "../../support/process/operator-bench.ts";
import type { OperatorLife } from "../../support/process/operator-life.ts";
import { startTestApiServer, type TestApiServer } from "../../support/server/apiserver.ts";
import { createTcpProxy, type TcpProxy } from "../../support/server/tcp-proxy.ts";

const hub = useOperatorBench();
const spoke = useOperatorBench();
const FRANCHISES = resourceOf(FRANCHISE);
const POLICIES = resourceOf(ENVIRONMENT_POLICY);
const SECRET = "omantel-kubeconfig";
const ABANDONED_IMAGE = IMAGE.replace(/[0-9a-f]{64}$/, "c".repeat(64));
let hubLife: OperatorLife;
let proxy: TcpProxy;
const cleanups: (() => unknown)[] = [];

const REMOTE: Partial<SovereignSpec> = {
  role: "Franchised",
  franchise: "omantel",
  cluster: { kubeconfigSecretRef: { name: SECRET, key: "value" } },
  branding: { displayName: "as first given" },
};
const policy = {
  apiVersion: "catalyst.openova.io/v1alpha1",
  kind: "EnvironmentPolicy",
  metadata: { name: "prod-window", namespace: "catalyst-system" },
  spec: {
    appliesTo: { environments: ["*-prod"] },
    enforcement: "Deny",
    rules: [{ "re-score-gate": { minimum: 80 } }],
  },
} as KubernetesObject;

const portOf = (kubeconfig: string): number =>
  Number(new URL(parse(kubeconfig).clusters[0].cluster.server).port);

/** The same kubeconfig, with these fields of its cluster or of its user. */
function withFields(kubeconfig: string, fields: { cluster?: object; user?: object }): string {
  const { clusters, users, ...rest } = parse(kubeconfig);
  const [{ cluster, ...inCluster }] = clusters;
  const [{ user, ...inUser }] = users;
  return stringify({
    ...rest,
    clusters: [{ ...inCluster, cluster: { ...cluster, ...fields.cluster } }],
    users: [{ ...inUser, user: fields.user ?? user }],
  });
}

async function writeKubeconfig(value: string, name = SECRET): Promise<void> {
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "catalyst-system" },
    data: { value: Buffer.from(value).toString("base64") },
  } as KubernetesObject;
  await hub.client().apply(SECRETS, secret, { fieldManager: "test" });
}

/** A kubeconfig for a token of the ServiceAccount with the rights that the chart gives the hub. */
async function createHubKubeconfig(): Promise<string> {
  const manifests = readFileSync(
    join(import.meta.dirname, "../../../charts/catalyst-operator/hub/access.yaml"),
  );
  for (const document of parseAllDocuments(String(manifests))) {
    const object = document.toJS() as KubernetesObject;
    await spoke.client().create(resourceOfManifest(object), object);
  }
  const account = { name: "catalyst-hub", namespace: "catalyst-system" };
  const { token } = await spoke.client().createToken(account, 3_600);
  return withToken(spoke.kubeconfig(), token);
}

const withToken = (text: string, token: string) => withFields(text, { user: { token } });

let kubeconfig: string;
const viaProxy = () => withFields(kubeconfig, { cluster: { server: `https://127.0.0.1:${proxy.port}` } });
const onSpoke = (name = "omantel") => spoke.client().get<Sovereign>(SOVEREIGNS, { name });
const patchOnSpoke = (spec: object) => spoke.client().mergePatch(SOVEREIGNS, { name: "omantel" }, { spec });
const setImage = (image: string) =>
  hub.client().mergePatch(RELEASES, { name: "stable" }, { spec: { image } });
const readRelease = (client: KubeClient) => client.get<BillingRelease>(RELEASES, { name: "stable" });
const reached = (status: string, reason?: string) =>
  hub.awaitCondition("omantel", "ClusterReachable", status, reason, 20_000);

function awaitOn(bench: OperatorBench, name: string, image: string): Promise<true> {
  return until(
    async () => {
      const { status } = (await bench.sovereign(name)) ?? {};
      const isReady = findCondition(status?.conditions, "Ready")?.status === "True";
      return (status?.pinnedImage === image && isReady) || undefined;
    },
    async () =>
      `${name} on ${image}: ${JSON.stringify((await bench.sovereign(name))?.status, undefined, 1)}; there: ${JSON.stringify((await onSpoke(name))?.status?.conditions, undefined, 1)}`,
    20_000,
  );
}

/** A further API server, on a copy of the spoke's folder or of its certificates only. */
async function startCopy(parts: string[]): Promise<TestApiServer> {
  const stateDir = mkdtempSync(join(tmpdir(), "catalyst-spoke-"));
  for (const part of parts) cpSync(join(spoke.stateDir(), part), join(stateDir, part), { recursive: true });
  const api = await startTestApiServer({ stateDir });
  cleanups.push(() => api.dispose());
  return api;
}

function clientOf(api: TestApiServer): KubeClient {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(api.server.adminKubeconfig);
  const client = createKubeClient({ kubeConfig, userAgent: "test" });
  cleanups.push(() => client.close());
  return client;
}

beforeAll(async () => {
  const first = release({ maxUnavailable: 1 });
  await hub.client().create<BillingRelease>(RELEASES, { ...first, spec: { ...first.spec, image: IMAGE } });
  await hub.client().create(FRANCHISES, franchise("omantel"));
  await hub.client().create(POLICIES, policy);
  proxy = await createTcpProxy(portOf(spoke.kubeconfig()));
  cleanups.push(() => proxy.close());
  kubeconfig = await createHubKubeconfig();
  await writeKubeconfig(viaProxy());
  hubLife = hub.live();
  spoke.live();
  await hub.client().create(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }));
  await hub.client().create(SOVEREIGNS, sovereign("omantel", REMOTE));
});
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

describe("a Sovereign on a cluster of its own", () => {
  it("becomes Ready on the hub when the operator on its cluster has verified it there", async () => {
    await awaitOn(hub, "zero", IMAGE);
    await awaitOn(hub, "omantel", IMAGE);
    const [here, there] = [await hub.sovereign("omantel"), await onSpoke()];
    const kubeSystem = await spoke.client().get(NAMESPACES, { name: "kube-system" });
    expect(here?.status?.cluster).toMatchObject({ uid: kubeSystem?.metadata.uid });
    expect(findCondition(here?.status?.conditions, "ClusterReachable")).toMatchObject({ status: "True" });
    expect(here?.status?.schemaFingerprint).toBe(there?.status?.schemaFingerprint);
    expect(here?.status?.lastSmokeTest).toEqual(there?.status?.lastSmokeTest);
    expect(await hub.client().get(NAMESPACES, { name: "sovereign-omantel" })).toBeUndefined();
    expect(await spoke.client().get(NAMESPACES, { name: "sovereign-omantel" })).toBeDefined();
  });

  it("has its Franchise, its release with the reference, and the policies on its cluster, marked as the hub's", async () => {
    const client = spoke.client();
    const there = await Promise.all([
      onSpoke(),
      client.get<Franchise>(FRANCHISES, { name: "omantel" }),
      readRelease(client),
      client.get(POLICIES, policy.metadata),
    ]);
    const hubUid = (await hub.client().get(NAMESPACES, { name: "kube-system" }))?.metadata.uid;
    for (const object of there) {
      expect(object?.metadata.labels).toMatchObject({ [LABEL.managedBy]: "hub" });
      expect(object?.metadata.annotations).toMatchObject({ [ANNOTATION.hub]: hubUid });
    }
    const [own, , brel] = there;
    expect(own?.spec).toMatchObject({ role: "Franchised", franchise: "omantel", fqdn: "omantel.example" });
    expect(own?.spec.cluster).toBeUndefined();
    expect(brel?.status?.reference).toEqual((await readRelease(hub.client()))?.status?.reference);
  });

  it("begins with the manifest's branding, leaves it to the Franchisee afterwards, and reads it back", async () => {
    expect((await onSpoke())?.spec.branding).toEqual({ displayName: "as first given" });
    await patchOnSpoke({
      branding: { displayName: "Omantel Cloud" },
      tiers: [{ id: "s", name: "S", priceBaisa: 1 }],
    });
    const seen = await until(
      async () => {
        const cluster = (await hub.sovereign("omantel"))?.status?.cluster;
        return cluster?.tiers === undefined ? undefined : cluster;
      },
      async () => JSON.stringify((await hub.sovereign("omantel"))?.status?.cluster),
    );
    expect(seen).toMatchObject({
      branding: { displayName: "Omantel Cloud" },
      tiers: [{ id: "s", name: "S", priceBaisa: 1 }],
    });
    await awaitOn(hub, "omantel", IMAGE);
    expect((await onSpoke())?.spec.branding).toEqual({ displayName: "Omantel Cloud" });
  });

  it("lets the Franchisee apply its fields server-side without force, from the first time on", async () => {
    const identity = { apiVersion: API_VERSION, kind: SOVEREIGN.kind, metadata: { name: "omantel" } };
    const apply = (fieldManager: string, spec: object) =>
      spoke.client().apply(SOVEREIGNS, { ...identity, spec } as KubernetesObject, {
        ...{ fieldManager, force: false },
      });
    const managers = async () => {
      const { managedFields = [] } = ((await onSpoke())?.metadata ?? {}) as OwnedObject["metadata"];
      return managedFields.map(({ manager }) => manager);
    };
    expect(await managers()).toContain("catalyst-hub");
    expect(await managers()).not.toContain("catalyst-hub-offer");
    const offer = { addons: [{ id: "a", name: "A", priceBaisa: 1 }] };
    // A hub that stops after the creation leaves this behind.
    await apply("catalyst-hub-offer", offer);
    await until(
      async () => !(await managers()).includes("catalyst-hub-offer") || undefined,
      async () => JSON.stringify((await onSpoke())?.metadata),
    );
    expect((await onSpoke())?.spec).toMatchObject(offer);
    await apply("omantel-admin", { addons: [{ id: "a", name: "A", priceBaisa: 2 }] });
    expect((await onSpoke())?.spec.addons).toEqual([{ id: "a", name: "A", priceBaisa: 2 }]);
  });

  it("gets the hub's fields back after an edit there, without losing the Franchisee's", async () => {
    await patchOnSpoke({ fqdn: "omantel.example", suspend: true, parent: "someone" });
    await until(
      async () => {
        const { suspend, parent } = (await onSpoke())?.spec ?? {};
        return (suspend === false && parent === undefined) || undefined;
      },
      async () => JSON.stringify((await onSpoke())?.spec),
    );
    expect((await onSpoke())?.spec.branding).toEqual({ displayName: "Omantel Cloud" });
    await spoke.client().delete(FRANCHISES, { name: "omantel" });
    await spoke
      .client()
      .mergePatch(FRANCHISES, { name: "omantel" }, { metadata: { finalizers: [] } })
      .catch(() => undefined);
    await until(
      async () => (await spoke.client().get(FRANCHISES, { name: "omantel" }))?.metadata.name,
      async () => "the Franchise is back",
    );
    await awaitOn(hub, "omantel", IMAGE);
  });
});

describe("a rollout over local and remote Sovereigns", () => {
  it("reaches the remote one after Catalyst-Zero, and counts both alike", async () => {
    await setImage(NEXT_IMAGE);
    await awaitOn(hub, "omantel", NEXT_IMAGE);
    const { status } = (await until(
      async () => {
        const brel = await readRelease(hub.client());
        return brel?.status?.phase === "Complete" && brel.status.verified === 2 ? brel : undefined;
      },
      async () => JSON.stringify((await readRelease(hub.client()))?.status),
    )) as BillingRelease;
    expect(status).toMatchObject({ sovereigns: 2, updated: 2, verified: 2, leftOut: 0 });
    expect((await onSpoke())?.status?.pinnedImage).toBe(NEXT_IMAGE);
    expect((await hub.sovereign("omantel"))?.status?.previousImage).toBe(IMAGE);
  });

  it("halts when the remote one stalls on the image, and goes on when the hub has another", async () => {
    spoke.simulation().shapes.set(ABANDONED_IMAGE, `sha256:${"9".repeat(64)}`);
    await setImage(ABANDONED_IMAGE);
    await hub.awaitCondition("omantel", "Stalled", "True", "ShapeDiffers", 20_000);
    await until(
      async () => ((await readRelease(hub.client()))?.status?.phase === "Halted" ? true : undefined),
      async () => JSON.stringify((await readRelease(hub.client()))?.status),
    );
    await setImage(NEXT_IMAGE);
    await awaitOn(hub, "omantel", NEXT_IMAGE);
  });
});

describe("a cluster in trouble", () => {
  it("is Unknown while it is away, holds up no rollout, and is caught up when it is back", async () => {
    proxy.disconnect();
    const away = await reached("False", "ClusterUnreachable");
    const ready = findCondition(away.status?.conditions, "Ready");
    expect(ready).toMatchObject({ status: "Unknown", reason: "ClusterUnreachable" });
    expect(ready?.message).toMatch(
      /^the cluster cannot be reached since \d{4}-\d\d-\d\dT[\d:.]+Z: https:\/\/127.0.0.1/,
    );
    expect(findCondition(away.status?.conditions, "VoucherShapeVerified")?.status).toBe("Unknown");
    await setImage(IMAGE);
    await awaitOn(hub, "zero", IMAGE);
    await until(
      async () => {
        const { phase, leftOut } = (await readRelease(hub.client()))?.status ?? {};
        return (phase === "Complete" && leftOut === 1) || undefined;
      },
      async () => JSON.stringify((await readRelease(hub.client()))?.status),
    );
    proxy.lead(portOf(spoke.kubeconfig()));
    await awaitOn(hub, "omantel", IMAGE);
    expect(
      (await hub.events("omantel")).filter(({ reason }) => reason === "ClusterUnreachable"),
    ).toMatchObject([{ count: 1 }]);
  });

  it("is repaired by its own operator while the hub is gone", async () => {
    await hubLife.stop();
    const workload = { name: "billing", namespace: "sovereign-omantel" };
    const before = await spoke.client().get(DEPLOYMENTS, workload);
    await spoke.client().delete(DEPLOYMENTS, workload);
    await until(
      async () => {
        const uid = (await spoke.client().get(DEPLOYMENTS, workload))?.metadata.uid;
        return uid !== undefined && uid !== before?.metadata.uid ? true : undefined;
      },
      async () => "another Deployment",
    );
    hubLife = hub.live();
    await awaitOn(hub, "omantel", IMAGE);
  });

  it("is reached with renewed credentials without a restart, and says when it refuses the present ones", async () => {
    await writeKubeconfig(withToken(viaProxy(), "expired"));
    const denied = await reached("False", "ClusterAccessDenied");
    expect(findCondition(denied.status?.conditions, "Ready")?.message).toContain("role catalyst-hub");
    await writeKubeconfig(viaProxy());
    await reached("True");
    await awaitOn(hub, "omantel", IMAGE);
  });

  it.each<[string, (text: string) => string, string, RegExp]>([
    [
      "a program",
      (text) => withFields(text, { user: { token: "t", exec: { command: "sh" } } }),
      "KubeconfigRefused",
      /user\.exec: /,
    ],
    ["the hub's own cluster", () => hub.kubeconfig(), "ClusterIsHub", /leads to this very cluster/],
  ])("is not reached through a kubeconfig with %s", async (_what, change, reason, message) => {
    await writeKubeconfig(change(viaProxy()));
    const refused = await reached("False", reason);
    expect(findCondition(refused.status?.conditions, "Stalled")).toMatchObject({ status: "True", reason });
    expect(findCondition(refused.status?.conditions, "Ready")?.message).toMatch(message);
    await writeKubeconfig(viaProxy());
    await awaitOn(hub, "omantel", IMAGE);
  });

  it("is refused when another cluster answers at its address, and nothing is written to that one", async () => {
    // Both clusters accept this certificate, so that only their identity tells them apart.
    kubeconfig = spoke.kubeconfig();
    await writeKubeconfig(viaProxy());
    await awaitOn(hub, "omantel", IMAGE);
    const other = await startCopy(["pki"]);
    await defineKinds(clientOf(other));
    proxy.lead(Number(new URL(other.server.url).port));
    const replaced = await reached("False", "ClusterReplaced");
    expect(findCondition(replaced.status?.conditions, "Stalled")).toMatchObject({
      reason: "ClusterReplaced",
    });
    expect((await clientOf(other).list(SOVEREIGNS)).items).toEqual([]);
    expect((await clientOf(other).list(RELEASES)).items).toEqual([]);
    proxy.lead(portOf(spoke.kubeconfig()));
    await reached("True");
    await awaitOn(hub, "omantel", IMAGE);
  });

  it("gets the hub's newest objects when it was restored from an older backup", async () => {
    const backup = await startCopy(["pki", "journal.jsonl"]);
    await hub.client().mergePatch(SOVEREIGNS, { name: "omantel" }, { spec: { billing: { replicas: 3 } } });
    await until(
      async () => ((await onSpoke())?.spec.billing.replicas === 3 ? true : undefined),
      async () => JSON.stringify((await onSpoke())?.spec),
    );
    proxy.lead(Number(new URL(backup.server.url).port));
    const restored = clientOf(backup);
    await until(
      async () =>
        (await restored.get<Sovereign>(SOVEREIGNS, { name: "omantel" }))?.spec.billing.replicas === 3 ||
        undefined,
      async () => JSON.stringify(await restored.get(SOVEREIGNS, { name: "omantel" })),
    );
    proxy.lead(portOf(spoke.kubeconfig()));
    await awaitOn(hub, "omantel", IMAGE);
  });
});

describe("several Sovereigns with clusters of their own", () => {
  it("leaves an object alone that is not the hub's, and goes on when it is handed over", async () => {
    await spoke.client().create(FRANCHISES, franchise("badr"));
    await hub.client().create(FRANCHISES, franchise("badr"));
    await hub.client().create(SOVEREIGNS, sovereign("badr", { ...REMOTE, franchise: "badr" }));
    const stalled = await hub.awaitCondition("badr", "Stalled", "True", "SpokeObjectNotOurs");
    expect(findCondition(stalled.status?.conditions, "Ready")?.message).toBe(
      "on the Sovereign's cluster: Franchise badr exists and does not come from this hub: delete it, or give it the label " +
        "catalyst.openova.io/managed-by=hub and no annotation catalyst.openova.io/hub, and the hub takes it over",
    );
    expect(await onSpoke("badr")).toBeUndefined();
    const labels = { [LABEL.managedBy]: "hub" };
    await spoke.client().mergePatch(FRANCHISES, { name: "badr" }, { metadata: { labels } });
    await awaitOn(hub, "badr", IMAGE);
  });

  it("removes with one only what no other on the same cluster needs", async () => {
    await hub.client().delete(SOVEREIGNS, { name: "badr" });
    await until(
      async () => ((await hub.sovereign("badr")) === undefined ? true : undefined),
      async () => JSON.stringify((await hub.sovereign("badr"))?.status?.conditions),
      20_000,
    );
    expect(await spoke.client().get(FRANCHISES, { name: "badr" })).toBeUndefined();
    expect(await spoke.client().get(FRANCHISES, { name: "omantel" })).toBeDefined();
    expect(await readRelease(spoke.client())).toBeDefined();
  });

  it("does not wait for a cluster that sends no answer", async () => {
    const silent = await createTcpProxy(1);
    cleanups.push(() => silent.close());
    silent.hang();
    const server = `https://127.0.0.1:${silent.port}`;
    await writeKubeconfig(withFields(spoke.kubeconfig(), { cluster: { server } }), "silent");
    const cluster = { kubeconfigSecretRef: { name: "silent", key: "value" } };
    for (const name of ["s1", "s2", "s3", "s4", "s5"])
      await hub.client().create(SOVEREIGNS, sovereign(name, { cluster }));
    await hub.awaitCondition("s5", "Ready", "Unknown", "ClusterConnecting");
    await hub.client().mergePatch(SOVEREIGNS, { name: "omantel" }, { spec: { billing: { replicas: 4 } } });
    const startedAt = performance.now();
    await until(
      async () => ((await onSpoke())?.spec.billing.replicas === 4 ? true : undefined),
      async () => JSON.stringify((await onSpoke())?.spec),
    );
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    for (const name of ["s1", "s2", "s3", "s4", "s5"]) await hub.client().delete(SOVEREIGNS, { name });
    await awaitOn(hub, "omantel", IMAGE);
  });
});

describe("the deletion of a Sovereign with a cluster of its own", () => {
  it("waits for its cluster and says how to do without it, and then deletes it there", async () => {
    proxy.disconnect();
    await reached("False", "ClusterUnreachable");
    await hub.client().delete(SOVEREIGNS, { name: "omantel" });
    const blocked = await hub.awaitCondition("omantel", "Ready", "False", "DeletionBlocked");
    expect(findCondition(blocked.status?.conditions, "Ready")?.message).toContain("set spec.suspend to true");
    proxy.lead(portOf(spoke.kubeconfig()));
    await until(
      async () => ((await hub.sovereign("omantel")) === undefined ? true : undefined),
      async () => JSON.stringify((await hub.sovereign("omantel"))?.status?.conditions),
      20_000,
    );
    expect(await onSpoke()).toBeUndefined();
    expect(await spoke.client().get(NAMESPACES, { name: "sovereign-omantel" })).toBeDefined();
    expect(
      await spoke.client().get(DEPLOYMENTS, { name: "billing", namespace: "sovereign-omantel" }),
    ).toBeUndefined();
    await until(
      async () => ((await readRelease(spoke.client())) === undefined ? true : undefined),
      async () => "the release is gone there",
    );
  });

  it("leaves a suspended one on its cluster as it is", async () => {
    await hub.client().create(SOVEREIGNS, sovereign("omantel", REMOTE));
    await awaitOn(hub, "omantel", IMAGE);
    proxy.disconnect();
    await reached("False", "ClusterUnreachable");
    await hub.client().mergePatch(SOVEREIGNS, { name: "omantel" }, { spec: { suspend: true } });
    await hub.client().delete(SOVEREIGNS, { name: "omantel" });
    await until(
      async () => ((await hub.sovereign("omantel")) === undefined ? true : undefined),
      async () => JSON.stringify((await hub.sovereign("omantel"))?.status?.conditions),
    );
    expect(await onSpoke()).toBeDefined();
  });
});
