import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { releaseOf } from "./cluster.ts";
import type { ObjectReference } from "./cluster-object.ts";
import type { SpokePlane, StoryContext, StorySovereign } from "./context.ts";
import type { Example } from "./example.ts";
import { expectEqual } from "./expectation.ts";

const SYSTEM = "catalyst-system";
const HUB_ACCOUNT = "catalyst-hub";
/** After this time, the hub of a running playground cannot reach the spoke any more. */
const TOKEN_SECONDS = 30 * 24 * 3_600;

const secretOf = (sovereign: string) => `${sovereign}-kubeconfig`;

/** The examples, with a cluster of its own for the franchised Sovereign that the story uses. */
export function withOwnCluster(examples: readonly Example[]): Example[] {
  const owner = examples.find(({ manifest }) => (manifest as Sovereign).spec?.role === "Franchised");
  return examples.map((example) => {
    if (example !== owner) return example;
    const { metadata, spec, ...rest } = example.manifest as Sovereign;
    const cluster = { kubeconfigSecretRef: { name: secretOf(metadata.name), key: "value" } };
    return { ...example, manifest: { ...rest, metadata, spec: { ...spec, cluster } } as KubernetesObject };
  });
}

/** The story's context on the control plane that runs a Sovereign. */
export const contextOf = (context: StoryContext, onSpoke: boolean): StoryContext =>
  onSpoke ? { ...context, ...context.spoke } : context;

/** Gives the hub the credentials of its account on the spoke, in the Secrets that the Sovereigns name. */
export async function connectSpoke(context: StoryContext, spoke: SpokePlane): Promise<void> {
  await context.reporter.step(
    `The hub gets a kubeconfig of the spoke's account ${HUB_ACCOUNT}`,
    async (observe) => {
      const token = await spoke.cluster.asAdmin().requestToken(SYSTEM, HUB_ACCOUNT, TOKEN_SECONDS);
      const value = Buffer.from(spoke.kubeconfigFor(HUB_ACCOUNT, token)).toString("base64");
      for (const { manifest } of context.examples) {
        const name = (manifest as Sovereign).spec?.cluster?.kubeconfigSecretRef.name;
        if (name === undefined) continue;
        await context.cluster.asAdmin().mustApply({
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name, namespace: SYSTEM },
          data: { value },
        } as KubernetesObject);
        observe(`secret/${name} in ${SYSTEM} on the hub`);
      }
    },
  );
}

/** The hub has the status of a Sovereign on the spoke, and counts it in the rollout. */
export async function runHubView(
  { reporter, cluster }: StoryContext,
  { name, namespace }: StorySovereign,
  sovereigns: number,
): Promise<void> {
  await reporter.step(`The hub shows ${name} as Ready and counts it in the rollout`, async (observe) => {
    const self: ObjectReference = { kind: "Sovereign", name };
    await cluster.waitForCondition(self, "ClusterReachable", "True");
    await cluster.waitForCondition(self, "Ready", "True");
    observe(`sovereign/${name} on the hub: ClusterReachable=True Ready=True`);
    const release = await releaseOf(cluster, name);
    await cluster.waitUntil(
      { kind: "BillingRelease", name: release },
      `status.verified is ${sovereigns}`,
      (object) => (object as { status?: { verified?: number } }).status?.verified === sovereigns,
    );
    observe(`billingrelease/${release} on the hub: ${sovereigns} Sovereigns verified`);
    const pods = await cluster.list("Pod", namespace);
    expectEqual(`Pods of ${name} on the hub`, pods.length, 0);
  });
}
