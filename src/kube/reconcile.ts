import type { KubernetesObject } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { isConflict } from "./error.ts";
import type { Informer, InformerEvent } from "./informer.ts";
import type { ReconcileMetrics } from "./metric.ts";
import { keyOf } from "./resource.ts";
import { type Backoff, createWorkQueue } from "./work-queue.ts";

/**
 * What came of looking at an object once. `waiting` and `stalled` are expected answers: the first is tried again by
 * itself, the second only when something changes. What is thrown is a fault and backs off.
 */
export type Outcome =
  | { kind: "done"; requeueAfterMs?: number }
  | { kind: "waiting"; reason: string; message: string; retryAfterMs: number }
  | { kind: "stalled"; reason: string; message: string };

export interface Watch {
  /** Starts calling `enqueue` with keys of the primary kind. */
  connect(enqueue: (key: string) => void): void;
}

/** Whatever happens to an object of the informer enqueues the keys that `map` gives for it, before and after. */
export function watchInformer<T extends KubernetesObject>(
  informer: Informer<T>,
  map: (object: T) => string[],
): Watch {
  return {
    connect(enqueue) {
      informer.onChange((event: InformerEvent<T>) => {
        const seen = event.kind === "updated" ? [event.previous, event.object] : [event.object];
        for (const key of new Set(seen.flatMap(map))) enqueue(key);
      });
    },
  };
}

/** The primary kind itself. */
export function watchPrimary<T extends KubernetesObject>(informer: Informer<T>): Watch {
  return watchInformer(informer, (object) => [keyOf(object.metadata)]);
}

export interface ControllerOptions {
  /** As metrics and logs name it: `sovereign`. */
  name: string;
  watches: Watch[];
  reconcile(key: string, signal: AbortSignal): Promise<Outcome>;
  concurrency?: number;
  backoff?: Backoff;
}

export interface Controller {
  name: string;
  enqueue(key: string): void;
  /** Works until the signal fires and what is under way is done. Caches must have synced. */
  run(signal: AbortSignal): Promise<void>;
}

export function createController(
  deps: { logger: Logger; metrics: ReconcileMetrics },
  options: ControllerOptions,
): Controller {
  const { name, watches, reconcile, concurrency = 4, backoff } = options;
  const logger = deps.logger.child({ controller: name });
  const metrics = deps.metrics.forController(name, concurrency);
  const queue = createWorkQueue({ observer: metrics.queue, ...(backoff === undefined ? {} : { backoff }) });

  async function work(key: string, signal: AbortSignal): Promise<void> {
    const finish = metrics.reconcileStarted();
    try {
      const outcome = await reconcile(key, signal);
      queue.forget(key);
      if (outcome.kind === "waiting") queue.addAfter(key, outcome.retryAfterMs);
      else if (outcome.kind === "done" && outcome.requeueAfterMs !== undefined)
        queue.addAfter(key, outcome.requeueAfterMs);
      finish(
        outcome.kind === "waiting" || (outcome.kind === "done" && outcome.requeueAfterMs !== undefined)
          ? "requeue_after"
          : "success",
      );
    } catch (error) {
      finish("error");
      if (signal.aborted) return;
      queue.addRateLimited(key);
      // A conflict means that the cache is a moment behind: expected, and cured by looking again.
      logger[isConflict(error) ? "debug" : "error"](
        { key, failures: queue.failures(key), error: errorMessage(error), stack: (error as Error).stack },
        "reconcile failed; backing off",
      );
    }
  }

  return {
    name,
    enqueue: (key) => queue.add(key),
    async run(signal) {
      for (const watch of watches) watch.connect((key) => queue.add(key));
      logger.info({ concurrency }, "controller started");
      await queue.run((key) => work(key, signal), concurrency, signal);
      logger.info("controller stopped");
    },
  };
}
