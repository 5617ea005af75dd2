import { conditionsField, observedGenerationField } from "./condition.ts";
import { AGE_COLUMN, type KindDefinition, READY_COLUMN } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import { duration, list, object, oneOf, type Static, set, Type, text, wholeNumber } from "./schema.ts";

const ENVIRONMENT_TYPES = ["prod", "stg", "uat", "dev", "poc"];
/** `<org>-<env>`, `*` for either part. */
const ENVIRONMENT_PATTERN = `^(\\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)-(\\*|${ENVIRONMENT_TYPES.join("|")})$`;

const RuleSchema = object(
  {
    "change-window": Type.Optional(
      object(
        {
          cron: text({ description: "When a window opens, in five fields.", maxLength: 128 }),
          duration: duration({ description: "How long it stays open." }),
          timeZone: text({ description: "IANA time zone of the cron.", maxLength: 64, default: "UTC" }),
        },
        { description: "Installs only while a window is open." },
      ),
    ),
    "pr-required": Type.Optional(
      object(
        {
          approvers: set(text({ description: "Who may approve.", maxLength: 256 }), {
            description: "Who may approve.",
            maxItems: 64,
            minItems: 1,
          }),
          minimum: wholeNumber({
            description: "How many of them must.",
            minimum: 1,
            maximum: 64,
            default: 1,
            format: "int32",
          }),
        },
        {
          description: "Installs only with approvals, in the annotation approved-by.",
          rules: [
            {
              rule: "self.minimum <= self.approvers.size()",
              message: "minimum exceeds the approvers: lower it, or name more",
            },
          ],
        },
      ),
    ),
    "re-score-gate": Type.Optional(
      object(
        {
          minimum: wholeNumber({
            description: "Lowest score that passes.",
            minimum: 0,
            maximum: 100,
            format: "int32",
          }),
        },
        { description: "Installs only with a score, in the annotation score." },
      ),
    ),
    soak: Type.Optional(
      object(
        {
          from: text({
            description: "Environment in which the same digest must have run, as `prod` after `stg`.",
            maxLength: 128,
          }),
          duration: duration({ description: "For how long." }),
        },
        {
          description:
            "Installs only what has run elsewhere for a while, as the operator itself recorded it.",
        },
      ),
    ),
  },
  {
    description: "One rule.",
    rules: [
      {
        rule: "[has(self.change__dash__window), has(self.pr__dash__required), has(self.re__dash__score__dash__gate), has(self.soak)].filter(present, present).size() == 1",
        message: "a rule is exactly one of change-window, pr-required, re-score-gate and soak: keep one",
      },
    ],
  },
);

const EnvironmentPolicySpecSchema = object(
  {
    appliesTo: object(
      {
        environments: set(
          text({
            description: "`<org>-<env>`, `*` for either part; env is prod, stg, uat, dev or poc.",
            maxLength: 128,
            pattern: ENVIRONMENT_PATTERN,
          }),
          { description: "Which environments.", maxItems: 64, minItems: 1 },
        ),
      },
      { description: "Where it holds." },
    ),
    enforcement: oneOf(["Deny", "Warn", "Audit"], {
      description: "What happens to an install that breaks a rule.",
      default: "Deny",
    }),
    rules: list(RuleSchema, { description: "All of them must hold.", maxItems: 32, minItems: 1 }),
  },
  { description: "What an install must fulfil." },
);

const EnvironmentPolicyStatusSchema = object(
  {
    observedGeneration: observedGenerationField(),
    environments: Type.Optional(
      wholeNumber({
        description: "Environments in which it holds now.",
        minimum: 0,
        maximum: 1_000_000,
        format: "int32",
      }),
    ),
    conditions: conditionsField(),
  },
  { description: "Whether the policy can be enforced." },
);

type EnvironmentPolicySpec = Static<typeof EnvironmentPolicySpecSchema>;
export type EnvironmentPolicyStatus = Static<typeof EnvironmentPolicyStatusSchema>;
export type EnvironmentPolicy = CatalystObject<EnvironmentPolicySpec, EnvironmentPolicyStatus>;

export const ENVIRONMENT_POLICY: KindDefinition = {
  kind: "EnvironmentPolicy",
  plural: "environmentpolicies",
  singular: "environmentpolicy",
  shortNames: ["envpol"],
  scope: "Namespaced",
  description: "What an install into an environment must fulfil; kept in catalyst-system.",
  spec: EnvironmentPolicySpecSchema,
  status: EnvironmentPolicyStatusSchema,
  printerColumns: [
    {
      name: "Enforcement",
      type: "string",
      jsonPath: ".spec.enforcement",
      description: "Deny, Warn or Audit.",
    },
    {
      name: "Environments",
      type: "integer",
      jsonPath: ".status.environments",
      description: "Where it holds now.",
    },
    READY_COLUMN,
    AGE_COLUMN,
  ],
};
