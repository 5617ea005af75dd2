import type { KindDefinition } from "../api/kind.ts";
import type { CatalystObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Informer } from "../kube/informer.ts";
import type { Outcome } from "../kube/reconcile.ts";
import { resourceOf } from "../kube/resource.ts";
import { createStatusWriter, type StatusOf } from "../kube/status.ts";

export interface StatusReconcilerDeps {
  client: KubeClient;
  fieldManager: string;
  now: () => Date;
}

/** The status that an object should have, and when to look at it again. */
export interface StatusReport<T> {
  status: StatusOf<T>;
  outcome: Outcome;
}

/**
 * Creates the reconcile function of a kind whose controller only keeps the status accurate. `desiredReport` receives the
 * object with its newest status. `forget` is called for an object that no longer exists.
 */
export function createStatusReconciler<T extends CatalystObject<unknown, object>>(
  deps: StatusReconcilerDeps,
  options: {
    kind: KindDefinition;
    objects: Informer<T>;
    desiredReport(object: T, at: Date, signal: AbortSignal): Promise<StatusReport<T>> | StatusReport<T>;
    /** Whether an object counts as gone although it still exists. Default: no. */
    isGone?(object: T): boolean;
    forget?(key: string): void;
  },
): (key: string, signal: AbortSignal) => Promise<Outcome> {
  const statuses = createStatusWriter<T>(deps, resourceOf(options.kind));
  return async function reconcile(key, signal) {
    const cached = options.objects.get(key);
    if (cached === undefined || options.isGone?.(cached) === true) {
      statuses.forget(key);
      options.forget?.(key);
      return { kind: "done" };
    }
    const object = statuses.newest(cached);
    const { status, outcome } = await options.desiredReport(object, deps.now(), signal);
    await statuses.write(object, status);
    return outcome;
  };
}
