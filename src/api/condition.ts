import { listMap, oneOf, type Static, Type, text, time, wholeNumber } from "./schema.ts";

const ConditionSchema = Type.Object(
  {
    type: text({ description: "The aspect that the condition describes, in CamelCase.", maxLength: 316 }),
    status: oneOf(["True", "False", "Unknown"], { description: "Whether the condition is met." }),
    observedGeneration: Type.Optional(
      wholeNumber({
        description: "The generation of the spec that the condition describes.",
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
      }),
    ),
    lastTransitionTime: time("When the status last changed."),
    reason: text({ description: "Machine-readable reason for the status, in CamelCase.", maxLength: 1024 }),
    message: Type.String({
      description: "Explanation for a person: what is wrong, and what to do.",
      maxLength: 32_768,
    }),
  },
  { description: "One aspect of the object's observed state." },
);

export type Condition = Static<typeof ConditionSchema>;

export const conditionsField = () =>
  Type.Optional(
    listMap(ConditionSchema, ["type"], {
      description: "Aspects of the object's observed state, by type.",
      maxItems: 32,
    }),
  );

export const observedGenerationField = () =>
  Type.Optional(
    wholeNumber({
      description:
        "The generation of the spec that the status describes. -1: the operator has not looked at the object yet.",
      minimum: -1,
      maximum: Number.MAX_SAFE_INTEGER,
    }),
  );

/** The condition types of kstatus. `Ready` is always there, `Reconciling` and `Stalled` only while they apply. */
export const READY = "Ready";
export const RECONCILING = "Reconciling";
export const STALLED = "Stalled";

export type NewCondition = Omit<Condition, "lastTransitionTime" | "observedGeneration">;

/**
 * Adds or replaces `condition` and sorts the list by type. `lastTransitionTime` changes only when the status does. `now`
 * is RFC 3339; `generation` is the object's.
 */
export function setCondition(
  conditions: readonly Condition[],
  condition: NewCondition,
  generation: number | undefined,
  now: string,
): Condition[] {
  const previous = conditions.find(({ type }) => type === condition.type);
  const next: Condition = {
    ...condition,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime: previous?.status === condition.status ? previous.lastTransitionTime : now,
  };
  return [...conditions.filter(({ type }) => type !== condition.type), next].sort((a, b) =>
    a.type < b.type ? -1 : 1,
  );
}

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === "True";
}
