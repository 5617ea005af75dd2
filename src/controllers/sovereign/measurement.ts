import type { Watch } from "../../kube/reconcile.ts";
import { createSemaphore } from "../../platform/semaphore.ts";
import { aborted, settledWithin, untilAborted } from "../../platform/shutdown.ts";
import { describeOutcome, type SmokeTestOutcome } from "./evidence.ts";

/** Whether a database accepts a login. */
export type DatabaseProbe = { kind: "ready" } | { kind: "unready" | "foreign" | "untested"; reason: string };

/** `failures` counts the measurements before this one, in a row, that gave no good value. */
type Measure<T> = (signal: AbortSignal, failures: number) => Promise<{ value: T; isGood: boolean }>;

/**
 * Measurements of Sovereigns that may take seconds: a login, a smoke test. They run beside the reconcile workers, with a budget
 * of their own. A reconcile reads the newest value. As a watch, they enqueue a Sovereign when it has another value.
 */
export interface Measurements<T> extends Watch {
  /**
   * The value for this Sovereign and `identity`, which names everything that the value depends on. A value that is not good is
   * measured again by itself, with back-off; a good one when it is older than `maxAgeMs`. Undefined while the first measurement
   * runs. Throws what `measure` threw.
   */
  read(sovereign: string, identity: string, measure: Measure<T>, maxAgeMs?: number): Promise<T | undefined>;
  /** The value so far, while `read` keeps a measurement with this identity; undefined when it keeps none. */
  peek(sovereign: string, identity: string): { value: T | undefined } | undefined;
  /** Drops the value, and aborts a measurement that runs. */
  forget(sovereign: string): void;
  /** Call it after each reconcile: drops the value that the reconcile did not read, so that it is measured no longer. */
  endReconcile(sovereign: string): void;
}

interface MeasurementPace {
  /** A measurement that takes longer is aborted. */
  deadlineMs: number;
  /** A reconcile waits this long for a first value. Most measurements take less, and a second reconcile is saved. */
  graceMs: number;
  firstRetryMs: number;
  maxRetryMs: number;
  /** Measurements at the same time. */
  concurrency: number;
  /** The same for Sovereigns whose last value was not good: those that hang delay only each other. */
  retryConcurrency: number;
}

const PROBE_PACE: MeasurementPace = {
  deadlineMs: 10_000,
  graceMs: 200,
  firstRetryMs: 1_000,
  maxRetryMs: 60_000,
  concurrency: 16,
  retryConcurrency: 8,
};

const SMOKE_TEST_PACE: MeasurementPace = {
  deadlineMs: 20_000,
  graceMs: 200,
  firstRetryMs: 5_000,
  maxRetryMs: 300_000,
  concurrency: 16,
  retryConcurrency: 8,
};

/** A reconcile that waits for a measurement is enqueued by it. This is for the case that it never ends. */
export const MEASUREMENT_FALLBACK_MS = 600_000;

/** What the steps of a Sovereign's reconcile read. One for each term of leadership. */
export function createSovereignMeasurements({ now }: { now: () => Date }): {
  probes: Measurements<DatabaseProbe>;
  smokeTests: Measurements<SmokeTestOutcome>;
} {
  return {
    probes: createMeasurements({ pace: PROBE_PACE, describe: (probe) => JSON.stringify(probe), now }),
    smokeTests: createMeasurements({ pace: SMOKE_TEST_PACE, describe: describeOutcome, now }),
  };
}

interface State<T> {
  identity: string;
  measure: Measure<T>;
  abort: AbortController;
  running: Promise<void> | undefined;
  result: { value: T } | { error: unknown } | undefined;
  isGood: boolean;
  failures: number;
  measuredAtMs: number;
  /** A reconcile waits in `read`, so that it needs no other one. */
  isAwaited: boolean;
  isRead: boolean;
}

const MAX_WAITING = 100_000;

export function createMeasurements<T>(deps: {
  pace: MeasurementPace;
  /** What of a value counts. Another value with the same description is no news, and the earlier one is kept. */
  describe: (value: T) => string;
  now: () => Date;
  random?: () => number;
}): Measurements<T> {
  const { pace, describe, random = Math.random } = deps;
  const nowMs = () => deps.now().getTime();
  const states = new Map<string, State<T>>();
  const first = createSemaphore({ permits: pace.concurrency, maxWaiting: MAX_WAITING });
  const retries = createSemaphore({ permits: pace.retryConcurrency, maxWaiting: MAX_WAITING });
  let enqueue: (sovereign: string) => void = () => undefined;

  async function attempt(state: State<T>): Promise<Pick<State<T>, "result" | "isGood">> {
    const budget = state.failures === 0 ? first : retries;
    try {
      const { value, isGood } = await budget.run(
        () => {
          const deadline = AbortSignal.any([state.abort.signal, AbortSignal.timeout(pace.deadlineMs)]);
          // One that does not end soon after the signal must not keep its place.
          const end = AbortSignal.timeout(2 * pace.deadlineMs);
          return untilAborted(state.measure(deadline, state.failures), end);
        },
        { signal: state.abort.signal },
      );
      return { result: { value }, isGood };
    } catch (error) {
      return { result: { error }, isGood: false };
    }
  }

  async function run(sovereign: string, state: State<T>): Promise<void> {
    const { result, isGood } = await attempt(state);
    state.running = undefined;
    if (states.get(sovereign) !== state) return;
    const isNews = state.isGood !== isGood || textOf(state.result) !== textOf(result);
    Object.assign(state, { isGood, measuredAtMs: nowMs(), failures: isGood ? 0 : state.failures + 1 });
    if (isNews) state.result = result;
    if (isNews && !state.isAwaited) enqueue(sovereign);
    if (isGood) return;
    const retryMs = Math.min(pace.firstRetryMs * 2 ** (state.failures - 1), pace.maxRetryMs);
    const timer = setTimeout(() => start(sovereign, state), retryMs * (0.75 + random() / 2));
    state.abort.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  function start(sovereign: string, state: State<T>): void {
    if (!state.abort.signal.aborted) state.running ??= run(sovereign, state);
  }

  function textOf(result: State<T>["result"]): string {
    if (result === undefined) return "";
    return "error" in result ? `error ${String(result.error)}` : `value ${describe(result.value)}`;
  }

  function drop(sovereign: string): State<T> | undefined {
    const state = states.get(sovereign);
    state?.abort.abort();
    states.delete(sovereign);
    return state;
  }

  function stateFor(sovereign: string, identity: string, measure: Measure<T>): State<T> {
    const present = states.get(sovereign);
    if (present?.identity === identity) return Object.assign(present, { measure });
    // A Sovereign that failed stays among those that fail until a value is good.
    const failures = drop(sovereign)?.failures ?? 0;
    const state: State<T> = {
      ...{ identity, measure, failures, abort: new AbortController(), running: undefined, result: undefined },
      ...{ isGood: false, measuredAtMs: nowMs(), isAwaited: false, isRead: true },
    };
    states.set(sovereign, state);
    start(sovereign, state);
    return state;
  }

  return {
    connect(wanted, signal) {
      enqueue = wanted;
      void aborted(signal).then(() => {
        for (const sovereign of [...states.keys()]) drop(sovereign);
      });
    },
    async read(sovereign, identity, measure, maxAgeMs = Number.POSITIVE_INFINITY) {
      const state = stateFor(sovereign, identity, measure);
      state.isRead = true;
      if (state.isGood && nowMs() - state.measuredAtMs >= maxAgeMs) start(sovereign, state);
      if (state.result === undefined && state.running !== undefined) {
        state.isAwaited = true;
        await settledWithin(pace.graceMs, state.running);
        state.isAwaited = false;
      }
      if (state.result !== undefined && "error" in state.result) throw state.result.error;
      return state.result?.value;
    },
    peek(sovereign, identity) {
      const state = states.get(sovereign);
      if (state?.identity !== identity) return undefined;
      return {
        value: state.result !== undefined && "value" in state.result ? state.result.value : undefined,
      };
    },
    forget: (sovereign) => void drop(sovereign),
    endReconcile(sovereign) {
      const state = states.get(sovereign);
      if (state?.isRead === false) drop(sovereign);
      else if (state !== undefined) state.isRead = false;
    },
  };
}
