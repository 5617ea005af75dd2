import { type Condition, type NewCondition, READY, STALLED, setCondition } from "../api/condition.ts";

/** `Ready`, and `Stalled` exactly while somebody has to act: for kinds whose state one look decides. */
export function readyConditions(
  previous: readonly Condition[] | undefined,
  ready: Omit<NewCondition, "type" | "status"> & { status: "True" | "False" },
  generation: number | undefined,
  now: string,
): Condition[] {
  const kept = (previous ?? []).filter(({ type }) => type !== STALLED || ready.status === "False");
  const judged = setCondition(kept, { type: READY, ...ready }, generation, now);
  return ready.status === "True"
    ? judged
    : setCondition(judged, { type: STALLED, ...ready, status: "True" }, generation, now);
}
