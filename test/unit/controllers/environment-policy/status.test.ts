import { describe, expect, it } from "vitest";
import type { EnvironmentPolicy } from "../../../../src/api/environment-policy.ts";
import {
  appliesTo,
  desiredStatus,
  ruleProblems,
} from "../../../../src/controllers/environment-policy/status.ts";
import { NOW } from "../../../support/builder/catalyst-object.ts";

type Rules = EnvironmentPolicy["spec"]["rules"];
const policy = (rules: Rules, environments = ["acme-prod"]): EnvironmentPolicy => ({
  apiVersion: "catalyst.openova.io/v1alpha1",
  kind: "EnvironmentPolicy",
  metadata: { name: "window", namespace: "catalyst-system", generation: 2 },
  spec: { appliesTo: { environments }, enforcement: "Deny", rules },
});
const window = (cron: string, timeZone = "UTC"): Rules[number] => ({
  "change-window": { cron, duration: "2h", timeZone },
});
const isTimeZone = (name: string) => name === "UTC";

describe("ruleProblems", () => {
  it.each(["0 22 * * 5", "*/15 0-6 1,15 * 1-5", "0-30/10 * * * *", "  5 4 * * *  "])(
    "accepts the cron expression '%s'",
    (cron) => expect(ruleProblems(policy([window(cron)]), isTimeZone)).toEqual([]),
  );

  it.each(["0 22 * *", "0 22 * * 5 6", "0 22 * * FRI", "@daily", "a0 * * * *", "0 * * * *b", "0-x * * * *"])(
    "names the field of the cron expression '%s'",
    (cron) => {
      expect(
        ruleProblems(policy([{ soak: { from: "acme-stg", duration: "1h" } }, window(cron)]), isTimeZone),
      ).toEqual([
        `spec.rules[1].change-window.cron: '${cron}' must have five cron fields: minute, hour, day, month and weekday`,
      ]);
    },
  );

  it("names an unknown time zone, after the cron expression", () => {
    expect(ruleProblems(policy([window("x", "Muscat")]), isTimeZone)).toEqual([
      "spec.rules[0].change-window.cron: 'x' must have five cron fields: minute, hour, day, month and weekday",
      "spec.rules[0].change-window.timeZone: 'Muscat' is not an IANA time zone: write one, for example Asia/Muscat",
    ]);
  });
});

describe("an EnvironmentPolicy's status", () => {
  it("says where an enforceable policy applies", () => {
    expect(desiredStatus(policy([]), { problems: [], environments: 3 }, NOW)).toEqual({
      observedGeneration: 2,
      environments: 3,
      conditions: [
        {
          type: "Ready",
          status: "True",
          reason: "Enforceable",
          message: "the policy applies to 3 environments, with enforcement Deny",
          observedGeneration: 2,
          lastTransitionTime: NOW,
        },
      ],
    });
  });

  it("names every problem of a policy that cannot be enforced", () => {
    const { conditions, ...rest } = desiredStatus(policy([]), { problems: ["a", "b"], environments: 0 }, NOW);
    expect(rest).toEqual({ observedGeneration: 2, environments: 0 });
    expect(conditions?.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
      ["Ready", "False", "RuleInvalid", "a; b"],
      ["Stalled", "True", "RuleInvalid", "a; b"],
    ]);
  });

  it("claims no generation that the object does not have", () => {
    const { generation: _, ...metadata } = policy([]).metadata;
    const status = desiredStatus({ ...policy([]), metadata }, { problems: [], environments: 0 }, NOW);
    expect(status).not.toHaveProperty("observedGeneration");
  });
});

describe("appliesTo", () => {
  it.each([
    ["acme-prod", "acme", "prod", true],
    ["acme-prod", "acme", "stg", false],
    ["acme-prod", "other", "prod", false],
    ["*-prod", "acme", "prod", true],
    ["*-prod", "acme", "stg", false],
    ["acme-*", "acme", "poc", true],
    ["acme-*", "other", "poc", false],
    ["*-*", "any", "dev", true],
    ["two-words-prod", "two-words", "prod", true],
    ["two-words-prod", "two", "words-prod", false],
  ])("matches %s with %s and %s: %s", (pattern, organization, environment, expected) => {
    expect(appliesTo(policy([], ["never-dev", pattern]), organization, environment)).toBe(expected);
  });
});
