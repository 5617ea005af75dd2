import type { KubernetesObject } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import { isConflict, KubeError } from "./error.ts";
import { describeFailure, type Failure } from "./failure.ts";
import { FieldConflict } from "./field-conflict.ts";
import type { Informer, InformerEvent } from "./informer.ts";
import type { ReconcileMetrics } from "./metric.ts";
import type { Priority } from "./priority-queue.ts";
import { keyOf } from "./resource.ts";
import { type Backoff, createWorkQueue } from "./work-queue.ts";

/**
 * The result of one reconcile. `waiting` and `stalled` are expected results: `waiting` is tried again after a time,
 * `stalled` only when a watched object changes. A thrown error is a fault, and the key backs off.
 */
export type Outcome =
  | { kind: "done"; requeueAfterMs?: number }
  | { kind: "waiting"; reason: string; message: string; retryAfterMs: number }
  | { kind: "stalled"; reason: string; message: string };

/** The default priority is `change`. */
type Enqueue = (key: string, afterMs?: number, priority?: Priority) => void;

export interface Watch {
  /** Calls `enqueue` with keys of the primary kind, at once or for later, until the signal fires. */
  connect(enqueue: Enqueue, signal: AbortSignal): void;
  /** All keys of the primary kind. Only the watch of the primary kind has this method. */
  keys?(): string[];
}

/** Whether a change of an object matters. Additions and deletions always do. */
export type UpdatePredicate<T> = (previous: T, object: T) => boolean;

/**
 * Enqueues the keys that `map` returns for a changed object, in its previous and in its present form. An object that the
 * cache already holds when the watch begins is no change: its keys get the priority of a resync.
 */
export function watchInformer<T extends KubernetesObject>(
  informer: Informer<T>,
  map: (object: T) => string[],
  isRelevant: UpdatePredicate<T> = () => true,
  priorityOf: (event: InformerEvent<T>) => Priority | undefined = () => undefined,
): Watch {
  return {
    connect(enqueue, signal) {
      let isPresent = true;
      informer.onChange((event: InformerEvent<T>) => {
        if (event.kind === "updated" && !isRelevant(event.previous, event.object)) return;
        const priority = priorityOf(event) ?? (isPresent ? "resync" : "change");
        for (const key of keysFor(event, map)) enqueue(key, 0, priority);
      }, signal);
      isPresent = false;
    },
  };
}

/**
 * Enqueues the keys that `map` returns for an object that changes from now on. For objects of a large fleet that only
 * concern their owner: the watch of the owners enqueues all of them at the start.
 */
export function watchLaterChanges<T extends KubernetesObject>(
  informer: Informer<T>,
  map: (object: T) => string[],
): Watch {
  return {
    connect(enqueue, signal) {
      informer.onLaterChange((event: InformerEvent<T>) => {
        for (const key of keysFor(event, map)) enqueue(key, 0, "change");
      }, signal);
    },
  };
}

/** The keys for a changed object, in its previous and in its present form. */
function keysFor<T>(event: InformerEvent<T>, map: (object: T) => string[]): ReadonlySet<string> {
  const seen = event.kind === "updated" ? [event.previous, event.object] : [event.object];
  return new Set(seen.flatMap(map));
}

/**
 * Watches the primary kind. A change of an object counts as a person's edit. A new object has a lower priority than changes
 * of known objects.
 */
export function watchPrimary<T extends KubernetesObject>(
  informer: Informer<T>,
  isRelevant?: UpdatePredicate<T>,
): Watch {
  const key = (object: T) => keyOf(object.metadata);
  return {
    ...watchInformer(
      informer,
      (object) => [key(object)],
      isRelevant,
      (event) => {
        if (event.kind !== "added") return "edit";
        return isObserved(event.object) ? undefined : "first";
      },
    ),
    keys: () => informer.list().map(key),
  };
}

/** Whether a controller has reconciled the object's present generation. */
function isObserved(object: KubernetesObject & { status?: { observedGeneration?: number } }): boolean {
  return object.status?.observedGeneration === object.metadata.generation;
}

/** Whether a change needs a reconcile: spec, deletion or finalizers. A status write does not. */
export function isRequestChanged(
  { metadata: before }: KubernetesObject,
  { metadata }: KubernetesObject,
): boolean {
  return (
    before.generation !== metadata.generation ||
    before.deletionTimestamp !== metadata.deletionTimestamp ||
    before.finalizers?.join() !== metadata.finalizers?.join()
  );
}

export interface ControllerOptions {
  /** The name in metrics and logs: `sovereign`. */
  name: string;
  watches: Watch[];
  /** `attempt` counts the tries since the last one that did not throw, including this one: the first has 1. */
  reconcile(key: string, signal: AbortSignal, attempt: number): Promise<Outcome>;
  /** Called once for each failure, not at each try. For a controller whose object has no status to report it in. */
  onFailure?(key: string, failure: Failure): void;
  concurrency?: number;
  backoff?: Backoff;
  /** The time after which every object is reconciled again, spread over time. Absent: only changes count. */
  resyncMs?: number;
}

export interface Controller {
  name: string;
  enqueue(key: string): void;
  /** Reconciles until the signal fires and the running reconciles have ended. The caches must be synced. */
  run(signal: AbortSignal): Promise<void>;
}

export function createController(
  deps: { logger: Logger; metrics: ReconcileMetrics },
  options: ControllerOptions,
): Controller {
  const { name, watches, reconcile, onFailure, concurrency = 4, backoff, resyncMs } = options;
  const logger = deps.logger.child({ controller: name });
  const metrics = deps.metrics.forController(name, concurrency);
  const queue = createWorkQueue({ observer: metrics.queue, backoff });
  /** The last failure of each key that fails now, so that each failure is logged and reported once. */
  const lastFailures = new Map<string, { logged: string; reported: string | undefined }>();

  async function work(key: string, priority: Priority, signal: AbortSignal): Promise<void> {
    const finish = metrics.reconcileStarted();
    let outcome: Outcome;
    try {
      outcome = await reconcile(key, signal, queue.failures(key) + 1);
    } catch (error) {
      if (!(error instanceof FieldConflict)) {
        finish("error");
        if (!signal.aborted) backOff(key, priority, error);
        return;
      }
      const { message, retryAfterMs } = error;
      outcome = { kind: "waiting", reason: "FieldConflict", message, retryAfterMs };
    }
    queue.forget(key);
    if (lastFailures.delete(key)) logger.info({ key }, "reconcile succeeded again");
    const againMs = againAfter(outcome);
    if (againMs !== undefined) queue.addAfter(key, againMs, outcome.kind === "done" ? "resync" : "first");
    if (outcome.kind !== "done")
      logger.debug({ key, reason: outcome.reason, message: outcome.message }, outcome.kind);
    finish(againMs === undefined ? "success" : "requeue_after");
  }

  function backOff(key: string, priority: Priority, error: unknown): void {
    queue.addRateLimited(key, priority);
    const failures = queue.failures(key);
    const before = lastFailures.get(key);
    const logged = errorMessage(error);
    // A conflict means that the cache is slightly out of date. It is expected, and the next reconcile resolves it.
    const isNewFailure = before?.logged !== logged && !isConflict(error);
    logger[isNewFailure ? "error" : "debug"](
      {
        ...{ key, failures, error: logged },
        // The stack of an error answer adds nothing to the request that it names.
        stack: error instanceof Error && !(error instanceof KubeError) ? error.stack : undefined,
      },
      "reconcile failed; backing off",
    );
    const failure = describeFailure(error, failures);
    if (failure !== undefined && failure.message !== before?.reported) onFailure?.(key, failure);
    const reported = failure?.message ?? before?.reported;
    if (isNewFailure || reported !== before?.reported)
      lastFailures.set(key, { logged: isNewFailure ? logged : (before?.logged ?? ""), reported });
  }

  async function resync(signal: AbortSignal): Promise<void> {
    if (resyncMs === undefined) return;
    while (!signal.aborted) {
      await sleep(resyncMs, signal);
      if (signal.aborted) return;
      for (const key of watches.flatMap((watch) => watch.keys?.() ?? []))
        queue.addAfter(key, Math.random() * resyncMs * RESYNC_SPREAD, "resync");
    }
  }

  return {
    name,
    enqueue: (key) => queue.add(key),
    async run(signal) {
      for (const watch of watches)
        watch.connect((key, afterMs = 0, priority) => queue.addAfter(key, afterMs, priority), signal);
      logger.info({ concurrency }, "controller started");
      await Promise.all([
        queue.run((key, priority) => work(key, priority, signal), concurrency, signal),
        resync(signal),
      ]);
      // The queue is closed, so the keys that still wait are not taken.
      metrics.queue.depth(0);
      logger.info("controller stopped");
    },
  };
}

/** A resync is spread over this part of its period, so that not all objects are reconciled at once. */
const RESYNC_SPREAD = 0.5;

function againAfter(outcome: Outcome): number | undefined {
  if (outcome.kind === "waiting") return outcome.retryAfterMs;
  return outcome.kind === "done" ? outcome.requeueAfterMs : undefined;
}
