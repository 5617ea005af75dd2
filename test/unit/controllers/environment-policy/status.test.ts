import { describe, expect, it } from "vitest";
import type { EnvironmentPolicy } from "../../../../src/api/environment-policy.ts";
import {
  desiredStatus,
  nextExceptionEndMs,
  ruleProblems,
} from "../../../../src/controllers/environment-policy/status.ts";
import { NOW } from "../../../support/builder/catalyst-object.ts";

type Rules = EnvironmentPolicy["spec"]["rules"];
const policy = (rules: Rules): EnvironmentPolicy => ({
  apiVersion: "catalyst.openova.io/v1alpha1",
  kind: "EnvironmentPolicy",
  metadata: { name: "window", namespace: "catalyst-system", generation: 2 },
  spec: { appliesTo: { environments: ["acme-prod"] }, enforcement: "Deny", rules },
});
const window = (cron: string, timeZone = "UTC"): Rules[number] => ({
  "change-window": { cron, duration: "2h", timeZone },
});
const NOW_MS = Date.parse(NOW);

describe("ruleProblems", () => {
  it("finds none in rules that can be enforced", () =>
    expect(
      ruleProblems(policy([window("0 22 * * sun-thu"), { "re-score-gate": { minimum: 1 } }]), NOW_MS),
    ).toEqual([]));

  it("names the fields of each window that cannot be enforced", () => {
    const rules = [
      { soak: { from: "acme-stg", duration: "1h" } },
      window("0 0 31 2 *"),
      window("@daily", "Muscat"),
    ];
    expect(ruleProblems(policy(rules), NOW_MS)).toEqual([
      "spec.rules[1].change-window.cron: '0 0 31 2 *' names a day that no year has, so the window never opens: name another",
      "spec.rules[2].change-window.cron: '@daily' must have five cron fields: minute, hour, day, month and weekday, for example '0 22 * * sun-thu'",
      "spec.rules[2].change-window.timeZone: 'Muscat' is not an IANA time zone: write one, for example Asia/Muscat",
    ]);
  });
});

describe("an EnvironmentPolicy's status", () => {
  it("says where an enforceable policy applies", () => {
    expect(desiredStatus(policy([]), { environments: 3 }, NOW)).toEqual({
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
    const { conditions, ...rest } = desiredStatus(policy([window("x", "y")]), { environments: 0 }, NOW);
    expect(rest).toEqual({ observedGeneration: 2, environments: 0 });
    const message = ruleProblems(policy([window("x", "y")]), NOW_MS).join("; ");
    expect(message).toContain("; spec.rules[0].change-window.timeZone: ");
    expect(
      conditions?.map(({ type, status, reason, message: text }) => [type, status, reason, text]),
    ).toEqual([
      ["Ready", "False", "RuleInvalid", message],
      ["Stalled", "True", "RuleInvalid", message],
    ]);
  });

  it("says that a policy outside catalyst-system does not count", () => {
    const { metadata, ...rest } = policy([]);
    const { conditions } = desiredStatus(
      { ...rest, metadata: { ...metadata, namespace: "acme-prod" } },
      { environments: 1 },
      NOW,
    );
    expect(
      conditions?.map(({ type, status, reason, message }) => [type, status, reason, message])[0],
    ).toEqual([
      "Ready",
      "False",
      "NamespaceInvalid",
      "a policy counts only in namespace catalyst-system: create it there, and delete this one",
    ]);
  });

  it("claims no generation that the object does not have", () => {
    const { generation: _, ...metadata } = policy([]).metadata;
    const status = desiredStatus({ ...policy([]), metadata }, { environments: 0 }, NOW);
    expect(status).not.toHaveProperty("observedGeneration");
  });
});

const excepted = (...untils: string[]): EnvironmentPolicy => {
  const { spec, ...rest } = policy([]);
  const exceptions = untils.map((until) => ({
    ...{ environment: "acme-prod", rule: "soak" as const, reason: "urgent fix", until },
  }));
  return { ...rest, spec: { ...spec, exceptions } };
};
const EARLIER = "2026-11-24T11:00:00Z";
const LATER = "2026-11-24T13:00:00Z";

describe("an EnvironmentPolicy's exceptions", () => {
  const reported = (it: EnvironmentPolicy) =>
    desiredStatus(it, { environments: 1 }, NOW)
      .conditions?.filter(({ type }) => type === "ExceptionsCurrent")
      .map(({ status, reason, message }) => [status, reason, message]);

  it("are reported while they hold", () =>
    expect(reported(excepted(LATER, LATER))).toEqual([["True", "ExceptionsHold", "2 exceptions hold"]]));

  it("are reported by name when they have ended, also at that moment", () =>
    expect(reported(excepted(EARLIER, LATER, NOW))).toEqual([
      [
        "False",
        "ExceptionEnded",
        `these exceptions have ended and have no effect, so remove them: soak in acme-prod (until ${EARLIER}), soak in acme-prod (until ${NOW})`,
      ],
    ]));

  it("are not mentioned any more after they were removed", () => {
    const before = excepted(EARLIER);
    const status = desiredStatus(before, { environments: 1 }, NOW);
    expect(reported({ ...excepted(), status })).toEqual([]);
  });

  it.each([
    ["none", [], undefined],
    ["only ended ones", [EARLIER, NOW], undefined],
    ["two that hold", ["2026-11-24T14:00:00Z", EARLIER, LATER], Date.parse(LATER)],
  ])("end next at the right time: %s", (_, untils, endMs) =>
    expect(nextExceptionEndMs(excepted(...untils), NOW_MS)).toBe(endMs),
  );
});
