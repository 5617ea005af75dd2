import { WEBHOOK_CONFIGURATION } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Applied, Applier } from "../../kube/apply.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer } from "../../kube/reconcile.ts";

export interface WebhookConfigurationDeps {
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

/** Publishes the operator's webhook configuration, and puts it back after an edit. */
export function createWebhookConfigurationReconciler(deps: WebhookConfigurationDeps) {
  return async function reconcile(): Promise<Outcome> {
    const live = deps.configurations.get(WEBHOOK_CONFIGURATION);
    deps.onApplied(await deps.applier.apply(deps.desired(), live));
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
