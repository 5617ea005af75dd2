import { OPERATOR_CLUSTER_ROLE, WEBHOOK_CONFIGURATION } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Applied, Applier } from "../../kube/apply.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer } from "../../kube/reconcile.ts";
import { CLUSTER_ROLES } from "../../kube/resource.ts";
import { ownedBy } from "../owner-reference.ts";

export interface WebhookConfigurationDeps {
  client: KubeClient;
  applier: Applier;
  configurations: Informer<KubernetesObject>;
  /** The configuration as it should be now. */
  desired(): KubernetesObject;
  /** Calls the handler each time that `desired` changes, until the signal fires. */
  onDesired(handler: () => void, signal: AbortSignal): void;
  /** Receives the result of each reconcile. A corrected edit is worth an alert. */
  onApplied(applied: Applied): void;
}

const RESYNC_MS = 60_000;

/**
 * Publishes the operator's webhook configuration, and restores it after an edit. The operator's ClusterRole owns it, so the
 * garbage collector deletes it when the chart is uninstalled. A configuration that stayed without the operator would refuse
 * every request that it matches.
 */
export function createWebhookConfigurationReconciler(deps: WebhookConfigurationDeps) {
  return async function reconcile(): Promise<Outcome> {
    // The role is read each time, because a role that was created again has another uid. With the old uid, the garbage
    // collector would find no owner and delete the configuration.
    const role = await deps.client.get<KubernetesObject>(CLUSTER_ROLES, { name: OPERATOR_CLUSTER_ROLE });
    const { metadata, ...desired } = deps.desired();
    const owned = { ...desired, metadata: { ...metadata, ...(role === undefined ? {} : ownedBy(role)) } };
    const live = deps.configurations.get(WEBHOOK_CONFIGURATION);
    deps.onApplied(await deps.applier.apply(owned, live));
    return { kind: "done", requeueAfterMs: RESYNC_MS };
  };
}

export function webhookConfigurationWatches(deps: WebhookConfigurationDeps): Watch[] {
  return [
    {
      connect(enqueue, signal) {
        const enqueueConfiguration = () => enqueue(WEBHOOK_CONFIGURATION);
        enqueueConfiguration();
        deps.onDesired(enqueueConfiguration, signal);
      },
    },
    watchInformer(deps.configurations, () => [WEBHOOK_CONFIGURATION]),
  ];
}
