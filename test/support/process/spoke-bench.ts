import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { isConditionTrue } from "../../../src/api/condition.ts";
import { ENVIRONMENT_POLICY } from "../../../src/api/environment-policy.ts";
import { FRANCHISE } from "../../../src/api/franchise.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign, SovereignSpec } from "../../../src/api/sovereign.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { resourceOf, resourceOfManifest, SECRETS } from "../../../src/kube/resource.ts";
import { franchise, release, sovereign } from "../builder/catalyst-object.ts";
import { withFields, withToken } from "../builder/kubeconfig.ts";
import { createTcpProxy, type TcpProxy } from "../server/tcp-proxy.ts";
import { until } from "../wait.ts";
import type { ControllerRun } from "./controller-run.ts";
import { type OperatorBench, RELEASES, SOVEREIGNS, useOperatorBench } from "./operator-bench.ts";

export const FRANCHISES = resourceOf(FRANCHISE);
export const POLICIES = resourceOf(ENVIRONMENT_POLICY);
const SECRET = "omantel-kubeconfig";

/** A Sovereign on the spoke. */
export const REMOTE: Partial<SovereignSpec> = {
  role: "Franchised",
  franchise: "omantel",
  cluster: { kubeconfigSecretRef: { name: SECRET, key: "value" } },
  branding: { displayName: "as first given" },
};

/** The EnvironmentPolicy that the hub has from the start. */
export const POLICY = {
  apiVersion: "catalyst.openova.io/v1alpha1",
  kind: "EnvironmentPolicy",
  metadata: { name: "prod-window", namespace: "catalyst-system" },
  spec: {
    appliesTo: { environments: ["*-prod"] },
    enforcement: "Deny",
    rules: [{ "re-score-gate": { minimum: 80 } }],
  },
} as KubernetesObject;

export const portOf = (kubeconfig: string): number =>
  Number(new URL(parse(kubeconfig).clusters[0].cluster.server).port);

export const readRelease = (client: KubeClient) => client.get<BillingRelease>(RELEASES, { name: "stable" });

/**
 * A hub and a spoke, each with an operator. `zero` is a Sovereign of the hub, and `omantel` one of the spoke. The hub reaches the
 * spoke through a proxy, with the rights that the chart gives it. The release has `image` at first. With `isBare`, there is no
 * operator on the hub, and no `omantel`.
 */
export function useSpokeBench(
  image: string,
  { isBare = false, start }: { isBare?: boolean; start?: Parameters<typeof useOperatorBench>[0] } = {},
) {
  const hub = useOperatorBench(start);
  const spoke = useOperatorBench(start);
  const cleanups: (() => unknown)[] = [];
  let hubRun: ControllerRun;
  let proxy: TcpProxy;
  /** A kubeconfig with a token of the ServiceAccount that has the hub's rights from the chart. */
  let kubeconfig: string;

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

  async function writeKubeconfig(value: string, name = SECRET): Promise<void> {
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: "catalyst-system" },
      data: { value: Buffer.from(value).toString("base64") },
    } as KubernetesObject;
    await hub.client().apply(SECRETS, secret, { fieldManager: "test" });
  }

  const viaProxy = (text = kubeconfig) =>
    withFields(text, { cluster: { server: `https://127.0.0.1:${proxy.port}` } });
  const onSpoke = (name = "omantel") => spoke.client().get<Sovereign>(SOVEREIGNS, { name });

  /** Waits until the Sovereign is Ready on the image, as this cluster sees it. */
  function awaitOn(bench: OperatorBench, name: string, wanted: string): Promise<true> {
    return until(
      async () => {
        const { status } = (await bench.sovereign(name)) ?? {};
        const isReady = isConditionTrue(status?.conditions, "Ready");
        return (status?.pinnedImage === wanted && isReady) || undefined;
      },
      async () =>
        `${name} on ${wanted}: ${JSON.stringify((await bench.sovereign(name))?.status, undefined, 1)}; there: ${JSON.stringify((await onSpoke(name))?.status?.conditions, undefined, 1)}`,
    );
  }

  beforeAll(async () => {
    const first = release({ maxUnavailable: 1 });
    await hub.client().create<BillingRelease>(RELEASES, { ...first, spec: { ...first.spec, image } });
    if (!isBare) await hub.client().create(FRANCHISES, franchise("omantel"));
    await hub.client().create(POLICIES, POLICY);
    proxy = await createTcpProxy(portOf(spoke.kubeconfig()));
    cleanups.push(() => proxy.close());
    kubeconfig = await createHubKubeconfig();
    await writeKubeconfig(viaProxy());
    if (!isBare) hubRun = hub.startControllers();
    spoke.startControllers();
    await hub.client().create(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }));
    if (isBare) return;
    await hub.client().create(SOVEREIGNS, sovereign("omantel", REMOTE));
  });
  afterAll(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  });

  return {
    hub,
    spoke,
    hubRun: () => hubRun,
    /** The proxy between the hub and the spoke. */
    proxy: () => proxy,
    /** Registers a cleanup for the end. The last one runs first. */
    onEnd: (cleanup: () => unknown) => void cleanups.push(cleanup),
    writeKubeconfig,
    viaProxy,
    onSpoke,
    awaitOn,
    setImage: (next: string) =>
      hub.client().mergePatch(RELEASES, { name: "stable" }, { spec: { image: next } }),
    /** Waits for this state of the hub's contact with omantel's cluster. */
    reached: (status: string, reason?: string) =>
      hub.awaitCondition("omantel", "ClusterReachable", status, reason, 20_000),
  };
}
