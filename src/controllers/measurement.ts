import type { Watch } from "../kube/reconcile.ts";
import { createDeadline } from "../platform/deadline.ts";
import { isRecent } from "../platform/recent.ts";
import { createSemaphore } from "../platform/semaphore.ts";
import { aborted, settledWithin, untilAborted } from "../platform/shutdown.ts";

/** `failures` counts the measurements before this one, in a row, that gave no good value. */
type Measure<T> = (signal: AbortSignal, failures: number) => Promise<{ value: T; isGood: boolean }>;

/**
 * Measurements of objects that may take seconds: a login, a smoke test, a request to a registry. They run in the background
 * with limits of their own, so no reconcile worker waits for them. A reconcile reads the newest value. As a watch, they
 * enqueue an object's key when its value changes.
 */
export interface Measurements<T> extends Watch {
  /**
   * The value for this object and `identity`, which names everything that the value depends on. A value that is not good is
   * measured again with back-off. A good one is measured again when it is read after `maxAgeMs`. Undefined while the first
   * measurement runs. Throws the error of a measurement that failed.
   */
  read(key: string, identity: string, measure: Measure<T>, maxAgeMs?: number): Promise<T | undefined>;
  /** The value so far, while `read` keeps a measurement with this identity; undefined when it keeps none. */
  peek(key: string, identity: string): { value: T | undefined } | undefined;
  /** Drops the value, and aborts a measurement that runs. */
  forget(key: string): void;
  /**
   * Call it when the object's status has the value. Drops a good value: the status has what later reconciles need of it. A
   * value that is measured again at this time stays.
   */
  recorded(key: string): void;
  /** Call it after each reconcile. Drops the value if the reconcile did not read it, so that it is no longer measured. */
  endReconcile(key: string): void;
}

export interface MeasurementPace {
  /** A measurement that takes longer is aborted. */
  deadlineMs: number;
  /** A reconcile waits this long for a first value. Most measurements take less, which saves a second reconcile. */
  graceMs: number;
  firstRetryMs: number;
  maxRetryMs: number;
  /** Measurements at the same time. */
  concurrency: number;
  /** The same for objects whose last value was not good, so that measurements that hang delay only each other. */
  retryConcurrency: number;
}

/** The measurement enqueues a reconcile that waits for it. This retry covers a measurement that never ends. */
export const MEASUREMENT_FALLBACK_MS = 600_000;

interface State<T> {
  identity: string;
  /** Absent after a good value: it keeps the objects of its reconcile in memory. */
  measure: Measure<T> | undefined;
  /** Aborts the attempt that runs. */
  abort: AbortController | undefined;
  running: Promise<void> | undefined;
  /** Stored here to be cleared. A listener of `abort` for each retry would stay until the end. */
  retry: NodeJS.Timeout | undefined;
  result: { value: T } | { error: unknown } | undefined;
  isGood: boolean;
  failures: number;
  measuredAtMs: number;
  /** A reconcile waits in `read`, so it need not be enqueued. */
  isAwaited: boolean;
  isRead: boolean;
}

const MAX_WAITING = 100_000;

/** Makes one measurement within its deadline and the limits of the pace. */
function createAttempt<T>(pace: MeasurementPace) {
  const first = createSemaphore({ permits: pace.concurrency, maxWaiting: MAX_WAITING });
  const retries = createSemaphore({ permits: pace.retryConcurrency, maxWaiting: MAX_WAITING });

  async function measureInTime(measure: Measure<T>, failures: number, abort: AbortSignal) {
    const deadline = createDeadline(pace.deadlineMs, abort);
    // A measurement that does not end soon after the signal must not keep its place.
    const end = createDeadline(2 * pace.deadlineMs);
    try {
      return await untilAborted(measure(deadline.signal, failures), end.signal);
    } finally {
      deadline.end();
      end.end();
    }
  }

  return async function attempt(
    measure: Measure<T>,
    failures: number,
    abort: AbortSignal,
  ): Promise<Pick<State<T>, "result" | "isGood">> {
    const budget = failures === 0 ? first : retries;
    try {
      const work = () => measureInTime(measure, failures, abort);
      const { value, isGood } = await budget.run(work, { signal: abort });
      return { result: { value }, isGood };
    } catch (error) {
      return { result: { error }, isGood: false };
    }
  };
}

export function createMeasurements<T>(deps: {
  pace: MeasurementPace;
  /** The text by which values are compared. A new value with the same text is dropped, and causes no reconcile. */
  describe: (value: T) => string;
  now: () => Date;
  random?: () => number;
}): Measurements<T> {
  const { pace, describe, random = Math.random } = deps;
  const nowMs = () => deps.now().getTime();
  const states = new Map<string, State<T>>();
  const attempt = createAttempt<T>(pace);
  let enqueue: (key: string) => void = () => undefined;

  async function run(key: string, state: State<T>, measure: Measure<T>): Promise<void> {
    const abort = new AbortController();
    state.abort = abort;
    const { result, isGood } = await attempt(measure, state.failures, abort.signal);
    state.running = undefined;
    state.abort = undefined;
    if (states.get(key) !== state) return;
    const isChanged = state.isGood !== isGood || textOf(state.result) !== textOf(result);
    Object.assign(state, { isGood, measuredAtMs: nowMs(), failures: isGood ? 0 : state.failures + 1 });
    if (isChanged) state.result = result;
    if (isChanged && !state.isAwaited) enqueue(key);
    if (isGood) {
      state.measure = undefined;
      return;
    }
    const retryMs = Math.min(pace.firstRetryMs * 2 ** (state.failures - 1), pace.maxRetryMs);
    const retry = () => start(key, state, state.measure ?? measure);
    state.retry = setTimeout(retry, retryMs * (0.75 + random() / 2));
  }

  function start(key: string, state: State<T>, measure: Measure<T>): void {
    state.running ??= run(key, state, measure);
  }

  function textOf(result: State<T>["result"]): string {
    if (result === undefined) return "";
    return "error" in result ? `error ${String(result.error)}` : `value ${describe(result.value)}`;
  }

  function drop(key: string): State<T> | undefined {
    const state = states.get(key);
    state?.abort?.abort();
    clearTimeout(state?.retry);
    states.delete(key);
    return state;
  }

  function stateFor(key: string, identity: string, measure: Measure<T>): State<T> {
    const present = states.get(key);
    if (present?.identity === identity) {
      if (!present.isGood) present.measure = measure;
      return present;
    }
    // An object that failed keeps its count of failures, and so its place among the retries, until a value is good.
    const failures = drop(key)?.failures ?? 0;
    const state: State<T> = {
      ...{ identity, measure, failures, abort: undefined, running: undefined, result: undefined },
      retry: undefined,
      ...{ isGood: false, measuredAtMs: nowMs(), isAwaited: false, isRead: true },
    };
    states.set(key, state);
    start(key, state, measure);
    return state;
  }

  return {
    connect(wanted, signal) {
      enqueue = wanted;
      void aborted(signal).then(() => {
        for (const key of [...states.keys()]) drop(key);
      });
    },
    async read(key, identity, measure, maxAgeMs) {
      const state = stateFor(key, identity, measure);
      state.isRead = true;
      const isOld = maxAgeMs !== undefined && !isRecent(state.measuredAtMs, nowMs(), maxAgeMs);
      if (state.isGood && isOld) start(key, state, measure);
      if (state.result === undefined && state.running !== undefined) {
        state.isAwaited = true;
        await settledWithin(pace.graceMs, state.running);
        state.isAwaited = false;
      }
      if (state.result !== undefined && "error" in state.result) throw state.result.error;
      return state.result?.value;
    },
    peek(key, identity) {
      const state = states.get(key);
      if (state?.identity !== identity) return undefined;
      return {
        value: state.result !== undefined && "value" in state.result ? state.result.value : undefined,
      };
    },
    forget: (key) => void drop(key),
    recorded(key) {
      const state = states.get(key);
      if (state?.isGood && state.running === undefined) drop(key);
    },
    endReconcile(key) {
      const state = states.get(key);
      if (state?.isRead === false) drop(key);
      else if (state !== undefined) state.isRead = false;
    },
  };
}
