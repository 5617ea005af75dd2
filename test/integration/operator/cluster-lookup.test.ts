import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ClusterLookups } from "../../../src/admission/fact-collector.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { PODS, SERVICES } from "../../../src/kube/resource.ts";
import { createClusterLookups } from "../../../src/operator/cluster-lookup.ts";
import { type OperatorCluster, startOperatorCluster } from "../../support/server/operator-cluster.ts";

let cluster: OperatorCluster;
let lookups: ClusterLookups;

async function createPod(name: string, addresses: string[]): Promise<void> {
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default" } };
  const spec = { containers: [{ name: "web", image: "web" }] };
  await cluster.client.create(PODS, { ...pod, spec } as KubernetesObject);
  const status = { podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) };
  await cluster.client.mergePatch(PODS, pod.metadata, { status }, "status");
}

beforeAll(async () => {
  cluster = await startOperatorCluster("lookup-test");
  lookups = createClusterLookups(cluster.client, cluster.caches);
  await createPod("dual", ["10.1.0.7", "fd00::7"]);
  await createPod("single", ["10.1.0.8"]);
});
afterAll(() => cluster?.close());

const named = async (objects: Promise<readonly { metadata: { name?: string } }[]>) =>
  (await objects).map(({ metadata }) => metadata.name);

describe("createClusterLookups", () => {
  it("finds Pods by their first address", async () => {
    expect(await named(lookups.readPodsAt("10.1.0.7"))).toEqual(["dual"]);
    expect(await named(lookups.readPodsAt("fd00::7"))).toEqual([]);
  });

  it("reads the second address of each Pod that has one", async () => {
    expect(await lookups.readSecondAddresses()).toEqual([{ address: "fd00::7", namespace: "default" }]);
  });

  it("reads a Pod, the labels of a namespace and the Services from the API server", async () => {
    expect((await lookups.readPod("default", "single"))?.spec).toMatchObject({
      containers: [{ name: "web" }],
    });
    const web = { metadata: { name: "web", namespace: "default" }, spec: { ports: [{ port: 80 }] } };
    await cluster.client.create(SERVICES, { apiVersion: "v1", kind: "Service", ...web } as KubernetesObject);
    const label = { "kubernetes.io/metadata.name": "default" };
    expect(await lookups.readNamespaceLabels("default")).toMatchObject(label);
    expect(await named(lookups.readServices())).toEqual(["web"]);
  });

  it("finds nothing in the caches of an empty cluster", () => {
    expect([lookups.franchises(), lookups.sovereigns(), lookups.blueprints()]).toEqual([[], [], []]);
    expect(lookups.organization("none")).toBeUndefined();
    expect(lookups.organizationsBy("member", "none")).toEqual([]);
    expect(lookups.namespaceLabels("none")).toBeUndefined();
  });

  it("returns undefined for what does not exist", async () => {
    expect(await lookups.readPod("default", "none")).toBeUndefined();
    expect(await lookups.readRole("default", "none")).toBeUndefined();
    expect(await lookups.readClusterRole("none")).toBeUndefined();
    expect(await lookups.readNamespaceLabels("none")).toBeUndefined();
    expect(await lookups.readOciRepository({ namespace: "default", name: "none" })).toBeUndefined();
  });
});
