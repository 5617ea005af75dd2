import { KubeError, kubeErrorOf } from "../../../src/kube/error.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import type { Gate } from "./controller-run.ts";
import { DISTURBANCES } from "./disturbed-watch.ts";

/** Answers of an API server that did not carry out the request. */
const ANSWERS = {
  "409": [409, "Conflict"],
  "410": [410, "Expired"],
  "422": [422, "Invalid"],
  "429": [429, "TooManyRequests"],
  "500": [500, "InternalError"],
} as const;

/**
 * `crash`: the process ends after an effect is carried out and before its answer arrives. `late`: the process loses its
 * Lease in the middle of a write, which arrives when another process leads. `reset`: the connection breaks before the API
 * server does anything. `lost`: the connection breaks afterwards, so the operator gets no answer. `ahead` and `back`: the
 * process's clock jumps.
 */
export const FAULT_KINDS = [
  ...(["crash", "late", "reset", "lost", "ahead", "back"] as const),
  ...(Object.keys(ANSWERS) as (keyof typeof ANSWERS)[]),
] as const;

/** Kinds that last for a whole stage. `slow`: the API server takes its time for each call. */
export const LASTING_KINDS = ["slow", ...DISTURBANCES] as const;

type LastingKind = (typeof LASTING_KINDS)[number];
type FaultKind = (typeof FAULT_KINDS)[number] | LastingKind;

/** `kind` at the call with this number, counted from 1. A kind that lasts begins with the first call. */
export interface PlannedFault {
  kind: FaultKind;
  call: number;
}

export interface Fault {
  gate: Gate;
  /** Passes every call until the process is dead. For calls at which no fault is planned. */
  mortalGate: Gate;
  now(): Date;
  /** From now on, calls are counted. */
  arm(): void;
  /** Resolves when the process has died. */
  died: Promise<true>;
  hasCome(): boolean;
}

/** After this time, the other process has begun and has made few calls. */
const LATE_MS = 100;
const SLOW_MS = 100;
const JUMP_MS = { ahead: 7_200_000, back: -7_200_000 } as const;

/** A process that dies after a read leaves the same state as one that dies after the write before it. */
const isRead = (call: string) => /^(get|list) /.test(call);
/** These calls do not go to the API server. */
const isMeasurement = (call: string) => /^(probe|smoke)/.test(call);

/** Kinds that never affect a read, or that affect a read like `reset`, or like a fault of the write before it. */
const OF_WRITES: readonly FaultKind[] = ["crash", "late", "lost", "409", "422", "ahead", "back"];
/** Faults that need no API server. */
const OF_PROCESS: readonly FaultKind[] = ["crash", "ahead", "back", ...LASTING_KINDS];

/** Whether a fault of this kind can occur at this call. A process can also die after a measurement. */
export const isConcerned = (kind: FaultKind, call: string): boolean =>
  !(isRead(call) && OF_WRITES.includes(kind)) && (OF_PROCESS.includes(kind) || !isMeasurement(call));

const isLasting = (kind: FaultKind): kind is LastingKind => LASTING_KINDS.some((lasting) => lasting === kind);

/** A process with one fault, or with none. */
export function createFault(planned: PlannedFault | undefined): Fault {
  const { promise: died, resolve: die } = Promise.withResolvers<true>();
  let isArmed = false;
  let count = 0;
  let isDead = false;
  let offsetMs = 0;
  const gate: Gate = async (call, act) => {
    if (isDead) throw new Error("the process is dead");
    if (!isArmed || planned === undefined || !isConcerned(planned.kind, call)) return act();
    const { kind } = planned;
    count += 1;
    if (kind === "slow") await sleep(Math.random() * SLOW_MS);
    if (isLasting(kind) || count !== planned.call) return act();
    if (kind === "ahead" || kind === "back") {
      offsetMs = JUMP_MS[kind];
      return act();
    }
    if (kind === "crash" || kind === "late") {
      isDead = true;
      const end = kind === "crash" ? act() : sleep(LATE_MS).then(act);
      if (kind === "crash") await end.finally(() => die(true));
      else die(true);
      await end.catch(() => undefined);
      throw new Error("the process is dead");
    }
    if (kind === "lost") await act();
    throw failureOf(kind, call);
  };
  const mortalGate: Gate = async (_call, act) => {
    if (isDead) throw new Error("the process is dead");
    return act();
  };
  return {
    gate,
    mortalGate,
    now: () => new Date(Date.now() + offsetMs),
    died,
    arm: () => {
      isArmed = true;
    },
    hasCome: () => planned !== undefined && count >= planned.call,
  };
}

function failureOf(kind: "reset" | "lost" | keyof typeof ANSWERS, call: string): KubeError {
  const target = call.split(" ").slice(1).join(" ");
  const request = { method: isRead(call) ? "GET" : "PATCH", path: "/fault", target };
  if (kind === "reset" || kind === "lost")
    return new KubeError("read ECONNRESET", { status: 0, reason: "Unreachable", request });
  const [status, reason] = ANSWERS[kind];
  return kubeErrorOf(request, status, JSON.stringify({ message: "planned", reason }), "0.02");
}

/** Returns numbers below `bound`. The same seed gives the same numbers. */
export function seededRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * bound);
  };
}
