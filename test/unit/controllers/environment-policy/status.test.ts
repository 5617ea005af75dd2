import { describe, expect, it } from "vitest";
import type { EnvironmentPolicy } from "../../../../src/api/environment-policy.ts";
import type { PolicyFinding } from "../../../../src/api/policy-finding.ts";
import {
  desiredStatus,
  nextChangeMs,
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
const observedIn = (...environments: string[]) => ({ environments, findings: [] as PolicyFinding[] });

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
      "spec.rules[1].change-window.cron: '0 0 31 2 *' names a day that no year has, so the window never opens; name another",
      "spec.rules[2].change-window.cron: '@daily' must have five cron fields: minute, hour, day, month and weekday, for example '0 22 * * sun-thu'",
      "spec.rules[2].change-window.timeZone: 'Muscat' is not an IANA time zone; write one, for example Asia/Muscat",
    ]);
  });
});

describe("an EnvironmentPolicy's status", () => {
  it("says where an enforceable policy applies", () => {
    expect(desiredStatus(policy([]), observedIn("b-prod", "a-prod", "c-prod"), NOW)).toEqual({
      observedGeneration: 2,
      environments: 3,
      governs: ["a-prod", "b-prod", "c-prod"],
      conditions: [
        {
          type: "Ready",
          status: "True",
          reason: "Enforceable",
          message: "environments to which the policy applies: 3; enforcement: Deny",
          observedGeneration: 2,
          lastTransitionTime: NOW,
        },
      ],
    });
  });

  it("names every problem of a policy that cannot be enforced", () => {
    const { conditions, ...rest } = desiredStatus(policy([window("x", "y")]), observedIn(), NOW);
    expect(rest).toEqual({ observedGeneration: 2, environments: 0, governs: [] });
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
      observedIn("acme-prod"),
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
    const status = desiredStatus({ ...policy([]), metadata }, observedIn(), NOW);
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
    desiredStatus(it, observedIn("acme-prod"), NOW)
      .conditions?.filter(({ type }) => type === "ExceptionsCurrent")
      .map(({ status, reason, message }) => [status, reason, message]);

  it("are reported while they hold", () =>
    expect(reported(excepted(LATER, LATER))).toEqual([["True", "ExceptionsHold", "exceptions in force: 2"]]));

  it("are reported by name when they have ended, also at that moment", () =>
    expect(reported(excepted(EARLIER, LATER, NOW))).toEqual([
      [
        "False",
        "ExceptionEnded",
        `these exceptions have ended and have no effect, so remove them: soak in acme-prod (until ${EARLIER}), soak in acme-prod (until ${NOW})`,
      ],
    ]));

  it("are no longer mentioned after they were removed", () => {
    const before = excepted(EARLIER);
    const status = desiredStatus(before, observedIn("acme-prod"), NOW);
    expect(reported({ ...excepted(), status })).toEqual([]);
  });

  it.each([
    ["none", [], undefined],
    ["only ended ones", [EARLIER, NOW], undefined],
    ["two that hold", ["2026-11-24T14:00:00Z", EARLIER, LATER], Date.parse(LATER)],
  ])("end next at the right time: %s", (_, untils, endMs) =>
    expect(nextChangeMs(excepted(...untils), {}, NOW_MS)).toBe(endMs),
  );
});

describe("the list of the environments that an EnvironmentPolicy governs", () => {
  it("is sorted by name, and has a limited length", () => {
    const names = Array.from({ length: 101 }, (_, index) => `o${String(200 - index)}-prod`);
    const { environments, governs } = desiredStatus(policy([]), observedIn(...names), NOW);
    expect(environments).toBe(101);
    expect(governs).toHaveLength(100);
    expect(governs?.slice(0, 2)).toEqual(["o100-prod", "o101-prod"]);
  });
});

describe("the window of an EnvironmentPolicy", () => {
  // NOW is Tuesday 12:00.
  it.each<[string, Rules, object | undefined]>([
    ["none without a change window", [{ "re-score-gate": { minimum: 1 } }], undefined],
    [
      "the present one, without the time at which it opened",
      [window("0 11 * * *")],
      { closesAt: "2026-11-24T13:00:00.000Z" },
    ],
    [
      "the next one",
      [window("0 22 * * *")],
      { opensAt: "2026-11-24T22:00:00.000Z", closesAt: "2026-11-25T00:00:00.000Z" },
    ],
    [
      "the time in which all windows are open",
      [window("0 22 * * *"), window("0 23 * * 5")],
      { opensAt: "2026-11-27T23:00:00.000Z", closesAt: "2026-11-28T00:00:00.000Z" },
    ],
    ["none when two windows never meet", [window("0 1 * * *"), window("0 5 * * *")], undefined],
    ["none when a window is invalid", [window("0 11 * * *"), window("x")], undefined],
  ])("is %s", (_, rules, expected) => {
    expect(desiredStatus(policy(rules), observedIn(), NOW).window).toEqual(expected);
  });

  it("is the same when it is computed repeatedly as when it is computed once", () => {
    const rules = [window("0 */3 * * *"), window("0 22 * * *")];
    const object = policy(rules);
    const { spec } = object;
    const at = (time: string, it: EnvironmentPolicy) => desiredStatus(it, observedIn(), time).window;
    const times = ["12:00", "21:59", "22:00", "22:30", "23:30", "11:00", "23:59", "22:15"];
    for (const time of times.map((clock) => `2026-11-24T${clock}:00Z`))
      expect(at(time, object)).toEqual(at(time, { ...object, spec: { ...spec } }));
  });

  it("changes the status when it opens and when it closes", () => {
    const [opensAt, closesAt] = ["2026-11-24T22:00:00.000Z", "2026-11-25T00:00:00.000Z"];
    const next = (now: string) => {
      const object = policy([window("0 22 * * *")]);
      return nextChangeMs(object, desiredStatus(object, observedIn(), now), Date.parse(now));
    };
    expect(next(NOW)).toBe(Date.parse(opensAt));
    expect(next(opensAt)).toBe(Date.parse(closesAt));
  });
});

describe("the recent denials of an EnvironmentPolicy", () => {
  const finding = (environment: string, lastTime: string): PolicyFinding => ({
    ...{ policy: "window", rule: "change-window", enforcement: "Deny", count: 2, environment, lastTime },
    ...{ user: "amal", object: "deployments/shop", message: "the change window is closed" },
  });
  const OLD = new Date(NOW_MS - 24 * 3_600_000).toISOString();

  it("are the newest of the last 24 hours, without the name of the policy", () => {
    const { policy: _, ...shown } = finding("acme-prod", EARLIER);
    const findings = [finding("acme-stg", OLD), finding("acme-prod", EARLIER)];
    const status = desiredStatus(policy([]), { environments: [], findings }, NOW);
    expect(status.recentDenials).toEqual([shown]);
    expect(nextChangeMs(policy([]), status, NOW_MS)).toBe(Date.parse(EARLIER) + 24 * 3_600_000);
    const many = Array.from({ length: 11 }, (__, index) =>
      finding(`e${index}-prod`, new Date(NOW_MS - index * 1_000).toISOString()),
    );
    const { recentDenials } = desiredStatus(policy([]), { environments: [], findings: many }, NOW);
    expect(recentDenials?.map(({ environment }) => environment)).toEqual(
      many.slice(0, 10).map(({ environment }) => environment),
    );
  });

  it("are absent when there are none", () => {
    expect(desiredStatus(policy([]), observedIn(), NOW)).not.toHaveProperty("recentDenials");
  });
});
