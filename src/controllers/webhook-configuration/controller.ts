import { WEBHOOK_CONFIGURATION } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Applied, Applier } from "../../kube/apply.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer } from "../../kube/reconcile.ts";

export interface WebhookConfigurationDeps {
  applier: Applier;
  configurations: Informer<KubernetesObject>;
  /** The configuration as it should be now, and who hears when that changes. */
  desired(): KubernetesObject;
  onDesired(handler: () => void, signal: AbortSignal): void;
  /** Hears what came of each look: a hand edit that was put back is worth an alarm. */
  onApplied(applied: Applied): void;
}

const LOOK_AGAIN_MS = 60_000;

/** Publishes the operator's webhook, and puts back what somebody made of it. */
export function createWebhookConfigurationReconciler(deps: WebhookConfigurationDeps) {
  return async function reconcile(): Promise<Outcome> {
    const live = deps.configurations.get(WEBHOOK_CONFIGURATION);
    deps.onApplied(await deps.applier.apply(deps.desired(), live));
    return { kind: "done", requeueAfterMs: LOOK_AGAIN_MS };
  };
}

export function webhookConfigurationWatches(deps: WebhookConfigurationDeps): Watch[] {
  return [
    {
      connect(enqueue, signal) {
        const look = () => enqueue(WEBHOOK_CONFIGURATION);
        look();
        deps.onDesired(look, signal);
      },
    },
    watchInformer(deps.configurations, () => [WEBHOOK_CONFIGURATION]),
  ];
}
