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
  /** Receives the result of each reconcile: an edit that was put back is worth an alert. */
  onApplied(applied: Applied): void;
}

const RESYNC_MS = 60_000;

/**
 * Publishes the operator's webhook configuration, and puts it back after an edit. The operator's ClusterRole owns it: when the
 * chart is uninstalled, the garbage collector deletes it. Without the operator, it would refuse every request that it matches.
 */
export function createWebhookConfigurationReconciler(deps: WebhookConfigurationDeps) {
  return async function reconcile(): Promise<Outcome> {
    // Read each time: an owner that was created again has another uid, and the garbage collector would see no owner.
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
