import { NATIVE_POLICY_LABELS } from "../admission/policy/native/policy-list.ts";
import { FRANCHISE } from "../api/franchise.ts";
import { FRANCHISE_FINALIZER, SOVEREIGN_FINALIZER } from "../api/label.ts";
import { SYSTEM_NAMESPACE, WEBHOOK_CONFIGURATION } from "../api/name.ts";
import type { KubernetesObject } from "../api/object.ts";
import { SOVEREIGN } from "../api/sovereign.ts";
import { type KubeClient, labelSelectorOf } from "../kube/client.ts";
import { removeFinalizer } from "../kube/finalizer.ts";
import { listIfServed } from "../kube/optional-kind.ts";
import {
  DEPLOYMENTS,
  PODS,
  type Resource,
  resourceOf,
  VALIDATING_ADMISSION_POLICIES,
  VALIDATING_ADMISSION_POLICY_BINDINGS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../kube/resource.ts";
import { sleep } from "../platform/shutdown.ts";
import { findHeldDefinitions } from "./definition-deletion.ts";
import { OPERATOR, OPERATOR_PODS } from "./workload.ts";

/** A Pod may drain for up to five minutes. This adds one minute. */
const END_TIMEOUT_MS = 360_000;
const POLL_MS = 1_000;
/** The API server deletes the objects of a kind within seconds, unless they have finalizers. */
const DEFINITION_TIMEOUT_MS = 30_000;

/** Yields the name of each removed object, in the order of removal. A second run continues where the first one ended. */
export async function* uninstall(
  client: KubeClient,
  deps: {
    isDryRun: boolean;
    signal: AbortSignal;
    /** How long the operator's Pods may take to end. */
    endTimeoutMs?: number;
    /** How long kinds that are being deleted may take to be gone. */
    definitionTimeoutMs?: number;
  },
): AsyncGenerator<string> {
  const { isDryRun, signal, endTimeoutMs = END_TIMEOUT_MS } = deps;
  const { definitionTimeoutMs = DEFINITION_TIMEOUT_MS } = deps;
  async function* remove(resource: Resource, objects: readonly KubernetesObject[]): AsyncGenerator<string> {
    for (const { metadata } of objects) {
      if (!isDryRun) await client.delete(resource, metadata);
      yield `${resource.kind} ${metadata.name}`;
    }
  }
  async function* release(resource: Resource, finalizer: string): AsyncGenerator<string> {
    const served = (await listIfServed<KubernetesObject>(client, resource)) ?? [];
    const held = served.filter(({ metadata }) => metadata.finalizers?.includes(finalizer));
    for (const object of held) {
      if (!isDryRun) await removeFinalizer(client, resource, object, finalizer);
      yield `the finalizer of ${resource.kind} ${object.metadata.name}`;
    }
  }

  // The operator goes first, because it restores everything else while it runs.
  const operator = await client.get<KubernetesObject>(DEPLOYMENTS, OPERATOR);
  yield* remove(DEPLOYMENTS, operator === undefined ? [] : [operator]);
  if (!isDryRun) await waitForPods(client, endTimeoutMs, signal);
  const configuration = await client.get<KubernetesObject>(VALIDATING_WEBHOOK_CONFIGURATIONS, {
    name: WEBHOOK_CONFIGURATION,
  });
  yield* remove(VALIDATING_WEBHOOK_CONFIGURATIONS, configuration === undefined ? [] : [configuration]);
  // The API server may not serve a kind: policies before Kubernetes 1.30, or Catalyst's own kinds after their CRDs were
  // deleted.
  const native = { labelSelector: labelSelectorOf(NATIVE_POLICY_LABELS) };
  for (const resource of [VALIDATING_ADMISSION_POLICY_BINDINGS, VALIDATING_ADMISSION_POLICIES])
    yield* remove(resource, (await listIfServed<KubernetesObject>(client, resource, native)) ?? []);
  yield* release(resourceOf(SOVEREIGN), SOVEREIGN_FINALIZER);
  yield* release(resourceOf(FRANCHISE), FRANCHISE_FINALIZER);
  if (isDryRun) return;
  const held = await findHeldDefinitions(client, { timeoutMs: definitionTimeoutMs, signal });
  if (held.length > 0)
    throw new Error(
      `${held.join("\n")}\nremove the finalizers, or let the controllers that set them do so, and run catalyst uninstall again`,
    );
}

async function waitForPods(client: KubeClient, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    const { items } = await client.list<KubernetesObject>(PODS, OPERATOR_PODS);
    const [first] = items;
    if (first === undefined) return;
    signal.throwIfAborted();
    if (performance.now() > untilMs)
      throw new Error(
        `Pod ${SYSTEM_NAMESPACE}/${first.metadata.name} has not ended: wait, and run catalyst uninstall again; if its node is gone, first run kubectl -n ${SYSTEM_NAMESPACE} delete pod ${first.metadata.name} --force`,
      );
    await sleep(POLL_MS, signal);
  }
}
