import type { Condition } from "../api/condition.ts";
import type { KindDefinition } from "../api/kind.ts";
import type { CatalystObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import type { EventRecorder } from "../kube/event.ts";
import { describeFailure, type Failure } from "../kube/failure.ts";
import type { Informer } from "../kube/informer.ts";
import type { Outcome } from "../kube/reconcile.ts";
import { resourceOf } from "../kube/resource.ts";
import { createStatusWriter, type StatusOf } from "../kube/status.ts";
import type { Logger } from "../platform/log.ts";
import { recordFailure } from "./failure-event.ts";
import { failedConditions } from "./readiness.ts";

export interface StatusReconcilerDeps {
  client: KubeClient;
  fieldManager: string;
  events: EventRecorder;
  logger: Logger;
  now: () => Date;
}

/** A change of an object that an Event tells. */
export interface Transition {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

/** The desired status of an object, and when to reconcile it again. */
export interface StatusReport<T> {
  status: StatusOf<T>;
  outcome: Outcome;
  /** Events about the transition. */
  events?: readonly Transition[];
  /** Logs the transition after the status is written. It replaces the log line for a change of `Ready`. */
  announce?: (() => void) | undefined;
}

/**
 * Creates the reconcile function of a kind with a status. `desiredReport` receives the object with its newest status, and
 * may also apply objects. An error that it throws is written into the status. `forget` is called for an object that no
 * longer exists.
 */
export function createStatusReconciler<
  T extends CatalystObject<unknown, { conditions?: Condition[] | undefined }>,
>(
  deps: StatusReconcilerDeps,
  options: {
    kind: KindDefinition;
    objects: Informer<T>;
    desiredReport(object: T, at: Date, signal: AbortSignal): Promise<StatusReport<T>> | StatusReport<T>;
    /** Changes the object's own metadata before anything else. An error that it throws is written into the status too. */
    prepare?(object: T): Promise<void>;
    /** Whether an object counts as gone although it still exists. Default: no. */
    isGone?(object: T): boolean;
    forget?(key: string): void;
  },
): (key: string, signal: AbortSignal, attempt?: number) => Promise<Outcome> {
  const statuses = createStatusWriter<T>(deps, resourceOf(options.kind));

  async function reportFailure(object: T, failure: Failure): Promise<void> {
    const { generation } = object.metadata;
    const before = object.status?.conditions;
    const conditions = failedConditions(before, failure, generation, deps.now().toISOString());
    const status = {
      ...object.status,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      conditions,
    } as StatusOf<T>;
    recordFailure(deps.events, object, failure);
    await statuses.write(object, status);
  }

  return async function reconcile(key, signal, attempt = 1) {
    statuses.follow(options.objects, signal);
    const forget = (): Outcome => {
      statuses.forget(key);
      options.forget?.(key);
      return { kind: "done" };
    };
    const cached = options.objects.get(key);
    if (cached === undefined) return forget();
    const object = statuses.newest(cached);
    try {
      await options.prepare?.(object);
      if (options.isGone?.(object) === true) return forget();
      const report = await options.desiredReport(object, deps.now(), signal);
      const { status, outcome, events = [], announce } = report;
      for (const { type, reason, message } of events) deps.events.record(object, type, reason, message);
      await statuses.write(object, status, announce !== undefined);
      announce?.();
      return outcome;
    } catch (error) {
      const failure = describeFailure(error, attempt);
      // The first error is the one that is thrown. When the status cannot be written either, only the log has it.
      if (failure !== undefined) await reportFailure(object, failure).catch(() => undefined);
      throw error;
    }
  };
}
