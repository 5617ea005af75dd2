import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findCondition } from "../../src/api/condition.ts";
import type { KubernetesObject } from "../../src/api/object.ts";
import { SOVEREIGN, type Sovereign } from "../../src/api/sovereign.ts";
import { desiredWorkload } from "../../src/controllers/sovereign/desired-workload.ts";
import { createKubeClient, type KubeClient } from "../../src/kube/client.ts";
import {
  NAMESPACES,
  resourceOf,
  resourceOfManifest,
  SERVICES,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../src/kube/resource.ts";
import { findFreePort } from "../../src/playground/process/free-port.ts";
import { IMAGE, release, sovereign } from "../support/builder/catalyst-object.ts";
import { type OperatorProcess, startOperatorProcess } from "../support/process/operator-process.ts";
import { runTool } from "../support/process/tool.ts";
import { provideSecret } from "../support/server/api-request.ts";
import { startTestControlPlane, type TestControlPlane } from "../support/server/kube-apiserver.ts";
import { createTestDatabase, type TestDatabase } from "../support/server/postgres.ts";
import { proxyByIpv6 } from "../support/server/tcp-proxy.ts";
import { prepareCluster } from "../support/server/webhook-replica.ts";
import { eventually } from "../support/wait.ts";
import { TOOLS } from "./helm-chart.ts";

const NETWORK = { address: "::1", serviceRange: "fd00:10:96::/112" } as const;
const WEBHOOK = { name: "catalyst-operator-webhook", namespace: "catalyst-system" };
const RELEASES = "/apis/catalyst.openova.io/v1alpha1/billingreleases";

/** An address of this machine that the API server accepts as an endpoint. Undefined: the machine has only ::1. */
const machineAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(
    ({ family, internal, address }) => family === "IPv6" && !internal && !address.startsWith("fe80:"),
  )?.address;

let plane: TestControlPlane;
let client: KubeClient;
let operator: OperatorProcess;
let database: TestDatabase;
let proxied: Awaited<ReturnType<typeof proxyByIpv6>>;

const kubectl = (...args: string[]) =>
  runTool(join(TOOLS, "kubectl"), args, { env: { KUBECONFIG: plane.kubeconfigPath } });
const configuration = () =>
  client.get<KubernetesObject>(VALIDATING_WEBHOOK_CONFIGURATIONS, { name: "catalyst-operator" });

/** The chart's Service of the webhook, with an endpoint at the machine's address. */
async function serveByService(port: number, address: string): Promise<void> {
  await client.create<KubernetesObject>(SERVICES, {
    ...{ apiVersion: "v1", kind: "Service", metadata: WEBHOOK },
    spec: { ports: [{ name: "webhook", port: 443, targetPort: port }] },
  } as KubernetesObject);
  await client.request({
    ...{ method: "POST", path: `/apis/discovery.k8s.io/v1/namespaces/${WEBHOOK.namespace}/endpointslices` },
    body: {
      metadata: { ...WEBHOOK, labels: { "kubernetes.io/service-name": WEBHOOK.name } },
      addressType: "IPv6",
      ports: [{ name: "webhook", port, protocol: "TCP" }],
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    },
  });
}

beforeAll(async () => {
  // Without kube-proxy, the API server reaches a Service only by its endpoints.
  plane = await startTestControlPlane("real", NETWORK, ["--enable-aggregator-routing=true"]);
  client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "ipv6-test" });
  await prepareCluster(client);
  database = await createTestDatabase();
  proxied = await proxyByIpv6(database.url);
  const port = await findFreePort();
  if (machineAddress !== undefined) await serveByService(port, machineAddress);
  operator = await startOperatorProcess(plane.kubeconfigPath, {
    ...{ HOST: "::", WEBHOOK_PORT: String(port), DRAIN_SECONDS: "0" },
    WEBHOOK_URL: machineAddress === undefined ? `https://[::1]:${port}` : "",
  });
}, 180_000);
afterAll(async () => {
  await operator?.close();
  await client?.close();
  await plane?.close();
  await proxied?.proxy.close();
  await database?.drop();
});

describe("a control plane that has only IPv6 addresses", () => {
  it(`asks the webhook ${machineAddress === undefined ? "by its address" : "through its Service"}`, async () => {
    await eventually(async () =>
      expect(await configuration()).toMatchObject({ webhooks: expect.any(Array) }),
    );
    await kubectl(
      "create",
      "clusterrolebinding",
      "stranger",
      "--clusterrole=cluster-admin",
      "--user=stranger",
    );
    const attempt = ["-n", "catalyst-system", "create", "configmap", "theirs", "--as=stranger"];
    await eventually(async () =>
      expect(await kubectl(...attempt).then(String, String)).toContain("belongs to the platform"),
    );
    await kubectl("-n", "default", "create", "configmap", "theirs", "--as=stranger");
  });

  it("has a database that the operator reaches", async () => {
    const namespace = "sovereign-zero";
    const { spec, metadata } = release();
    await client.request({
      ...{ method: "POST", path: RELEASES },
      body: { ...release(), metadata: { name: metadata.name }, spec: { ...spec, image: IMAGE } },
    });
    const zero = sovereign("zero", { role: "CatalystZero" });
    await client.create(resourceOf(SOVEREIGN), { ...zero, metadata: { name: "zero" } });
    await eventually(async () =>
      expect(await client.get<KubernetesObject>(NAMESPACES, { name: namespace })).toBeDefined(),
    );
    await provideSecret(client, namespace, "billing-db", { uri: proxied.url });
    await provideSecret(client, namespace, "billing-jwt", { secret: "x".repeat(32) });
    const condition = async () => {
      const live = await client.get<Sovereign>(resourceOf(SOVEREIGN), { name: "zero" });
      return findCondition(live?.status?.conditions, "DatabaseReady");
    };
    await eventually(async () =>
      expect(await condition()).toMatchObject({ status: "True", reason: "DatabaseReachable" }),
    );
  });

  it("gives billing's Service an address of IPv6, and accepts its workload", async () => {
    const workload = desiredWorkload(sovereign("zero", { role: "CatalystZero" }), IMAGE, undefined);
    for (const object of workload as KubernetesObject[])
      await client.apply(resourceOfManifest(object), object, { fieldManager: "ipv6-test" });
    const service = (await client.get<KubernetesObject>(SERVICES, {
      name: "billing",
      namespace: "sovereign-zero",
    })) as unknown as { spec: { clusterIP: string; ipFamilies: string[] } };
    expect(service.spec.ipFamilies).toEqual(["IPv6"]);
    expect(service.spec.clusterIP).toMatch(/^fd00:10:96::/);
  });
});
