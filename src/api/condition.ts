import { listMap, oneOf, type Static, Type, text, time, wholeNumber } from "./schema.ts";

const ConditionSchema = Type.Object(
  {
    type: text({ description: "What is judged, in CamelCase.", maxLength: 316 }),
    status: oneOf(["True", "False", "Unknown"], { description: "The judgement." }),
    observedGeneration: Type.Optional(
      wholeNumber({
        description: "The generation that was judged.",
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
      }),
    ),
    lastTransitionTime: time("When the status last changed."),
    reason: text({ description: "Why, as one CamelCase word.", maxLength: 1024 }),
    message: Type.String({ description: "Why, for a person.", maxLength: 32_768 }),
  },
  { description: "One aspect of the object's state." },
);

export type Condition = Static<typeof ConditionSchema>;

export const conditionsField = () =>
  Type.Optional(
    listMap(ConditionSchema, ["type"], {
      description: "Aspects of the object's state, by type.",
      maxItems: 32,
    }),
  );

export const observedGenerationField = () =>
  Type.Optional(
    wholeNumber({
      description: "The generation that the status speaks of.",
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
    }),
  );

/** kstatus: `Ready` always; `Reconciling` and `Stalled` only while they apply. */
export const READY = "Ready";
export const RECONCILING = "Reconciling";
export const STALLED = "Stalled";

export type NewCondition = Omit<Condition, "lastTransitionTime" | "observedGeneration">;

/**
 * The list with `condition` put in or replaced, sorted by type. `lastTransitionTime` moves only when the status does.
 * Pure: `now` is RFC 3339, `generation` the object's own.
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
