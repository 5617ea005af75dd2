import { KubeError, kubeErrorOf } from "../../../src/kube/error.ts";
import type { Gate } from "./operator-bench.ts";

/** Answers of an API server that did not do what it was asked. */
const ANSWERS = {
  "409": [409, "Conflict"],
  "410": [410, "Expired"],
  "422": [422, "Invalid"],
  "429": [429, "TooManyRequests"],
  "500": [500, "InternalError"],
} as const;

/**
 * `crash`: the process dies when an effect was carried out, before its answer came. `reset`: the connection breaks before the
 * API server does anything. `lost`: it breaks afterwards, so that the operator does not know of the effect.
 */
export const FAULT_KINDS = [
  "crash",
  "reset",
  "lost",
  ...(Object.keys(ANSWERS) as (keyof typeof ANSWERS)[]),
] as const;
type FaultKind = (typeof FAULT_KINDS)[number];

/** `kind` at the call with this number, counted from 1. */
export interface PlannedFault {
  kind: FaultKind;
  call: number;
}

export interface Fault {
  gate: Gate;
  /** Calls count from now on. */
  arm(): void;
  /** Resolves when the process has died. */
  died: Promise<true>;
  hasCome(): boolean;
}

/** A process that dies after a read leaves what one leaves that died after the write before it. */
const isRead = (call: string) => /^(get|list) /.test(call);
/** These do not ask the API server. */
const isMeasurement = (call: string) => /^(probe|smoke)/.test(call);

/** Kinds that no read meets, or that say the same for a read as `reset`. */
const OF_WRITES: readonly FaultKind[] = ["crash", "lost", "409", "422"];

/** Whether a fault of this kind can come at this call. A process can also die after it measured something. */
export const isConcerned = (kind: FaultKind, call: string): boolean =>
  !(isRead(call) && OF_WRITES.includes(kind)) && (kind === "crash" || !isMeasurement(call));

/** A process with one fault, or with none. */
export function createFault(planned: PlannedFault | undefined): Fault {
  const { promise: died, resolve: die } = Promise.withResolvers<true>();
  let isArmed = false;
  let count = 0;
  let isDead = false;
  const gate: Gate = async (call, act) => {
    if (isDead) throw new Error("the process is dead");
    if (!isArmed || planned === undefined || !isConcerned(planned.kind, call)) return act();
    count += 1;
    if (count !== planned.call) return act();
    if (planned.kind === "crash") {
      isDead = true;
      await act().finally(() => die(true));
      throw new Error("the process is dead");
    }
    if (planned.kind === "lost") await act();
    throw failureOf(planned.kind, call);
  };
  return {
    gate,
    died,
    arm: () => {
      isArmed = true;
    },
    hasCome: () => planned !== undefined && count >= planned.call,
  };
}

function failureOf(kind: Exclude<FaultKind, "crash">, call: string): KubeError {
  const target = call.split(" ").slice(1).join(" ");
  const request = { method: isRead(call) ? "GET" : "PATCH", path: "/fault", target };
  if (kind === "reset" || kind === "lost")
    return new KubeError("read ECONNRESET", { status: 0, reason: "Unreachable", request });
  const [status, reason] = ANSWERS[kind];
  return kubeErrorOf(request, status, JSON.stringify({ message: "planned", reason }), "0.02");
}

/** Numbers below `bound`, the same for the same seed. */
export function seededRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * bound);
  };
}
