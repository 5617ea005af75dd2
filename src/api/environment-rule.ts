import { duration, object, oneOf, type Static, set, Type, text, time, wholeNumber } from "./schema.ts";

export const ENVIRONMENT_TYPES = ["prod", "stg", "uat", "dev", "poc"];
export const RuleSchema = object(
  {
    "change-window": Type.Optional(
      object(
        {
          cron: text({
            description:
              "When a window opens, as a cron expression with five fields: minute, hour, day, month and weekday. Months and weekdays may be names, for example `0 22 * * sun-thu`.",
            maxLength: 128,
          }),
          duration: duration({ description: "How long the window stays open." }),
          timeZone: text({
            description: "IANA time zone of the cron expression.",
            maxLength: 64,
            default: "UTC",
          }),
        },
        { description: "Allows installs only while a window is open." },
      ),
    ),
    "pr-required": Type.Optional(
      object(
        {
          approvers: set(text({ description: "A user who may approve.", maxLength: 256 }), {
            description: "The users who may approve.",
            maxItems: 64,
            minItems: 1,
          }),
          minimum: wholeNumber({
            description: "How many of them must approve.",
            minimum: 1,
            maximum: 64,
            default: 1,
            format: "int32",
          }),
        },
        {
          description: "Allows installs only with approvals in the annotation approved-by.",
          rules: [
            {
              rule: "self.minimum <= self.approvers.size()",
              message: "minimum must not exceed the number of approvers: lower it, or add approvers",
            },
          ],
        },
      ),
    ),
    "re-score-gate": Type.Optional(
      object(
        {
          minimum: wholeNumber({
            description: "The lowest score that is enough.",
            minimum: 0,
            maximum: 100,
            format: "int32",
          }),
        },
        { description: "Allows installs only with a high enough score in the annotation score." },
      ),
    ),
    soak: Type.Optional(
      object(
        {
          from: text({
            description:
              "Environment in which the same digest must have run before: `stg` for that of the same Organization, or `<org>-<env>`.",
            maxLength: 128,
          }),
          duration: duration({ description: "How long it must have run there." }),
        },
        {
          description:
            "Allows only installs of a digest that ran in another environment before, as the operator recorded it.",
        },
      ),
    ),
  },
  {
    description: "A rule for installs.",
    rules: [
      {
        rule: "[has(self.change__dash__window), has(self.pr__dash__required), has(self.re__dash__score__dash__gate), has(self.soak)].filter(present, present).size() == 1",
        message:
          "a rule must have exactly one of change-window, pr-required, re-score-gate and soak: write one rule for each",
      },
    ],
  },
);

/** The reactions of a policy to an install that breaks a rule. */
export const POLICY_ENFORCEMENTS = ["Deny", "Warn", "Audit"] as const;
/** The rules of a policy, by the names of their members. */
export const RULE_NAMES = ["change-window", "pr-required", "re-score-gate", "soak"] as const;

export const ExceptionSchema = object(
  {
    environment: text({
      description: "The environment `<org>-<env>` that is excepted.",
      maxLength: 128,
      pattern: `^[a-z0-9]([-a-z0-9]*[a-z0-9])?-(${ENVIRONMENT_TYPES.join("|")})$`,
    }),
    rule: oneOf(RULE_NAMES, { description: "The rule that does not apply to it." }),
    reason: text({ description: "Why, for the audit log.", maxLength: 512 }),
    until: time("When the exception ends by itself."),
  },
  { description: "A rule that does not apply to one environment for a time." },
);

export type EnvironmentRule = Static<typeof RuleSchema>;
export type EnvironmentRuleName = (typeof RULE_NAMES)[number];
export type PolicyException = Static<typeof ExceptionSchema>;
