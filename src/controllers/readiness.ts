import {
  type Condition,
  type NewCondition,
  READY,
  RECONCILING,
  STALLED,
  setCondition,
} from "../api/condition.ts";

export interface Readiness {
  status: "True" | "False";
  reason: string;
  message: string;
  /** The kstatus condition beside `Ready=False`. Default: `Stalled`, because a person has to act. */
  progress?: typeof STALLED | typeof RECONCILING | undefined;
}

/** `Ready`, with `Stalled` or `Reconciling` exactly while they apply. For kinds whose state one observation decides. */
export function readyConditions(
  previous: readonly Condition[] | undefined,
  readiness: Readiness,
  generation: number | undefined,
  now: string,
): Condition[] {
  const { status, reason, message } = readiness;
  const progress = "progress" in readiness ? readiness.progress : STALLED;
  const shown = status === "True" ? undefined : progress;
  const present: NewCondition[] = [
    { type: READY, status, reason, message },
    ...(shown === undefined ? [] : [{ type: shown, status: "True" as const, reason, message }]),
  ];
  const kept = (previous ?? []).filter(
    ({ type }) => (type !== STALLED && type !== RECONCILING) || type === shown,
  );
  return present.reduce<Condition[]>((all, condition) => setCondition(all, condition, generation, now), kept);
}
