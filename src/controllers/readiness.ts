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
  /** What kstatus says beside `Ready=False`: somebody has to act (the default), it gets there by itself, or neither. */
  progress?: typeof STALLED | typeof RECONCILING | undefined;
}

/** `Ready`, with `Stalled` or `Reconciling` exactly while they apply: for kinds whose state one look decides. */
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
