import { differenceOf } from "../builder/end-state.ts";
import { type Expected, eventProblems, newEvents, type SeenEvent } from "../builder/event-state.ts";
import { until } from "../wait.ts";
import { converged, settled } from "./operator-bench.ts";
import type { Fault, PlannedFault } from "./operator-fault.ts";

interface Run {
  calls: string[];
  isCalling(): boolean;
  stop(): Promise<void>;
}

interface FaultStage<R extends Run> {
  fault: Fault;
  /** Starts the process with the fault. */
  start(): R;
  /** Starts a process without a fault. */
  restart(): R;
  act(): Promise<unknown>;
  /** Whether everything is done that the stage must do. The undisturbed run has no expected end to wait for. */
  isOver(): Promise<true | undefined>;
  /** For the message when the stage does not end. */
  describe(run: R): Promise<string>;
  readEnd(): Promise<string[]>;
  readEvents(): Promise<ReadonlyMap<string, SeenEvent>>;
  expectedEnd: string[] | undefined;
  patienceMs: number;
  quietMs: number;
}

export interface FaultResult {
  hasCome: boolean;
  end: string[];
  events: SeenEvent[];
  calls: string[];
}

/** A status about a short failure is corrected by the next try, within this time. */
const CONVERGENCE_MS = 10_000;

/**
 * Runs one stage with a fault. If the process dies, also after the stage is over, one without a fault follows. `beforeStop`
 * sees the last process before it stops.
 */
export async function runFaultStage<R extends Run>(
  stage: FaultStage<R>,
  beforeStop: (run: R) => void = () => undefined,
): Promise<FaultResult> {
  const { fault, patienceMs, quietMs } = stage;
  let run = stage.start();
  await settled(run, quietMs);
  const { calls } = run;
  const before = calls.length;
  const eventsBefore = await stage.readEvents();
  fault.arm();
  await stage.act();
  const end = async (signal?: AbortSignal) => {
    const whileWanted =
      <T>(read: () => Promise<T>) =>
      () => {
        signal?.throwIfAborted();
        return read();
      };
    await until(whileWanted(stage.isOver), () => stage.describe(run), patienceMs);
    await settled(run, quietMs);
    return converged(whileWanted(stage.readEnd), stage.expectedEnd, CONVERGENCE_MS);
  };
  const ofDead = new AbortController();
  const first = end(ofDead.signal);
  first.catch(() => undefined);
  let last = await Promise.race([first, fault.died.then(() => undefined)]);
  if (last === undefined) {
    ofDead.abort();
    await run.stop();
    run = stage.restart();
    last = await end();
  }
  beforeStop(run);
  await run.stop();
  const events = newEvents(eventsBefore, await stage.readEvents());
  if (run.calls !== calls) calls.push("the process starts again", ...run.calls);
  return { hasCome: fault.hasCome(), end: last, events, calls: calls.slice(before) };
}

/** What differs after a stage with a fault; undefined when it ended as without one. */
export function failureOf(
  stage: string,
  fault: PlannedFault | undefined,
  expected: Expected,
  { end, events, calls }: FaultResult,
): string | undefined {
  const problems = [
    ...(end.join() === expected.end.join() ? [] : [differenceOf(expected.end, end)]),
    ...eventProblems(expected, events, fault),
  ];
  if (problems.length === 0) return undefined;
  return [`${stage}, ${JSON.stringify(fault)}:`, ...problems, ...calls].join("\n");
}
