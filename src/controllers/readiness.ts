import {
  type Condition,
  type NewCondition,
  READY,
  RECONCILING,
  STALLED,
  setCondition,
} from "../api/condition.ts";

/** Reasons for which the operator changes nothing for a Sovereign, until a person changes it or another object. */
export const REFUSAL = [
  "FqdnTaken",
  "HostTaken",
  "SecondCatalystZero",
  "NamespaceTaken",
  "NamespaceNotOurs",
] as const;

export type Refusal = (typeof REFUSAL)[number];

export interface Readiness {
  status: "True" | "False";
  reason: string;
  message: string;
  /** The kstatus condition beside `Ready=False`. Default: `Stalled`, because a person has to act. */
  progress?: typeof STALLED | typeof RECONCILING | undefined;
}

/**
 * `Ready`, with `Stalled` or `Reconciling` exactly while one of them applies. For kinds whose state follows from one
 * observation.
 */
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

/**
 * The conditions after a failed reconcile. `Ready` gives the cause, and every other condition is `Unknown`, because the
 * reconcile did not check it. An object that is already stalled for the same reason stays stalled, because a restarted
 * operator counts its tries from one again.
 */
export function failedConditions(
  previous: readonly Condition[] | undefined,
  failure: { reason: string; message: string; isFinal: boolean },
  generation: number | undefined,
  now: string,
): Condition[] {
  const { reason, message } = failure;
  const progress = failure.isFinal || isStalledBy(previous, reason) ? STALLED : RECONCILING;
  const readiness: Readiness = { status: "False", reason, message, progress };
  return (previous ?? [])
    .filter(({ type }) => type !== READY && type !== STALLED && type !== RECONCILING)
    .map(({ type }): NewCondition => unknownCondition(type, reason))
    .reduce<Condition[]>(
      (all, condition) => setCondition(all, condition, generation, now),
      readyConditions(previous, readiness, generation, now),
    );
}

export const unknownCondition = (type: string, reason: string): NewCondition => ({
  ...{ type, status: "Unknown", reason },
  message: "the operator could not read what this condition describes: condition Ready says why",
});

export const isStalledBy = (conditions: readonly Condition[] | undefined, reason: string): boolean =>
  conditions?.some((condition) => condition.type === STALLED && condition.reason === reason) === true;
