import {
  DNS_LABEL,
  duration,
  flag,
  intOrPercentage,
  list,
  listMap,
  object,
  objectName,
  oneOf,
  type Static,
  set,
  stringMap,
  Type,
  text,
  wholeNumber,
} from "./schema.ts";

/** The stages of every release: Catalyst-Zero with the named canaries first, and last the Sovereigns of no other stage. */
export const FIRST_STAGE = "canary";
export const LAST_STAGE = "others";
/** The first, the last, and those of `spec.rollout.stages`. */
export const MAX_STAGES = 18;

const LABEL_KEY = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$";

const SelectorSchema = object(
  {
    matchLabels: Type.Optional(
      stringMap({
        description: "Labels that a Sovereign must have, each with its value.",
        maxLength: 63,
        maxProperties: 16,
      }),
    ),
    matchExpressions: Type.Optional(
      list(
        object(
          {
            key: text({ description: "Name of a label.", maxLength: 317, pattern: LABEL_KEY }),
            operator: oneOf(["In", "NotIn", "Exists", "DoesNotExist"], {
              description: "How the label is compared.",
            }),
            values: Type.Optional(
              list(Type.String({ description: "A value.", maxLength: 63 }), {
                description: "The values of `In` and `NotIn`.",
                maxItems: 64,
              }),
            ),
          },
          { description: "A requirement." },
        ),
        { description: "Requirements that a Sovereign's labels must all meet.", maxItems: 16 },
      ),
    ),
  },
  { description: "Sovereigns by their labels." },
);

const StageSchema = object(
  {
    name: text({
      description: "Name of the stage.",
      maxLength: 40,
      pattern: DNS_LABEL,
      rules: [
        {
          rule: `!(self in ['${FIRST_STAGE}', '${LAST_STAGE}'])`,
          message: `the names ${FIRST_STAGE} and ${LAST_STAGE} are those of the first and the last stage: choose another`,
        },
      ],
    }),
    selector: Type.Optional(SelectorSchema),
    sovereigns: Type.Optional(
      set(objectName("Name of a Sovereign."), { description: "Sovereigns by their names.", maxItems: 256 }),
    ),
    maxUnavailable: Type.Optional(
      intOrPercentage({
        description:
          "As `spec.rollout.maxUnavailable`, for this stage. A percentage is that of the Sovereigns of the stage.",
      }),
    ),
    bake: Type.Optional(duration({ description: "As `spec.rollout.bake`, for this stage." })),
    approval: flag(
      "Whether the stage waits until a person approves it: `catalyst rollout approve RELEASE STAGE`.",
      false,
    ),
  },
  {
    description: "Some Sovereigns that take the release after those of the stages before.",
    rules: [
      {
        rule: "has(self.selector) != has(self.sovereigns)",
        message: "a stage has either selector or sovereigns: write one of them",
      },
    ],
  },
);

export type RolloutStage = Static<typeof StageSchema>;
export type SovereignSelector = Static<typeof SelectorSchema>;

/** The failing requests that halt a release. A few failures do not, and a fault in more than one of twenty requests does. */
export const ERROR_RATE_DEFAULT = { maxIncreasePercent: 5, minRequests: 100 } as const;

const ErrorRateSchema = object(
  {
    maxIncreasePercent: Type.Optional(
      wholeNumber({
        description: `By how many percentage points the share of requests with a 5xx answer may exceed that of the previous image. 100 = no limit. Absent: ${ERROR_RATE_DEFAULT.maxIncreasePercent}.`,
        minimum: 0,
        maximum: 100,
        format: "int32",
      }),
    ),
    minRequests: Type.Optional(
      wholeNumber({
        description: `How many requests the Pods of a Sovereign must have answered before their errors count. A previous image with fewer requests counts as if the missing ones had succeeded. Absent: ${ERROR_RATE_DEFAULT.minRequests}.`,
        minimum: 1,
        maximum: 1_000_000,
        format: "int32",
      }),
    ),
  },
  {
    description:
      "When a Sovereign fails on the release because more of its requests fail than on the previous image. The operator counts them in /metrics of the billing Pods until the rollout is complete.",
  },
);

export type ErrorRateLimit = Required<Static<typeof ErrorRateSchema>>;

export const RolloutSchema = object(
  {
    canaries: Type.Optional(
      set(objectName("Name of a Sovereign."), {
        description:
          "Sovereigns that take the release first, together with Catalyst-Zero, on which it is measured.",
        maxItems: 64,
      }),
    ),
    stages: Type.Optional(
      listMap(StageSchema, ["name"], {
        description:
          "Stages between the canaries and the other Sovereigns, in their order. A Sovereign belongs to the first stage that takes it.",
        maxItems: MAX_STAGES - 2,
      }),
    ),
    maxUnavailable: intOrPercentage({
      description:
        "How many Sovereigns may update at once: a number, or a percentage of the Sovereigns of the stage. At least one always may. A Sovereign that never ran anything takes no place.",
      default: 1,
    }),
    bake: duration({
      description: "How long a wave must stay verified before the next one starts.",
      default: "0s",
    }),
    errorRate: Type.Optional(ErrorRateSchema),
    haltOnFailure: flag("Whether a Sovereign that fails on the release stops the rollout.", true),
    backwardCompatible: flag(
      "Whether the previous image works with this release's schema. Then a rollout that halts or is aborted goes back to it by itself.",
      false,
    ),
  },
  {
    description: "How Sovereigns take the release: first the canaries, then stages, each in waves.",
    default: {},
  },
);
