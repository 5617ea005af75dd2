import { describe, expect, it } from "vitest";
import { judgeInstall } from "../../../../src/admission/rules/environment-policy.ts";
import type { PolicyException } from "../../../../src/api/environment-rule.ts";
import {
  A,
  APPROVAL,
  fresh,
  installs,
  known,
  NOW,
  SCORE,
  SOAK,
  WINDOW,
} from "../../../support/builder/environment-rule.ts";
import { environmentPolicy } from "../../../support/builder/install-request.ts";

describe("several policies", () => {
  it("must all hold, each with its own enforcement", () => {
    const policies = [
      environmentPolicy("strict", [SCORE, SOAK]),
      environmentPolicy("gentle", [APPROVAL], { enforcement: "Warn" }),
      environmentPolicy("silent", [WINDOW], { enforcement: "Audit" }),
      environmentPolicy("other", [{ "re-score-gate": { minimum: 1 } }]),
    ];
    const { findings } = judgeInstall(installs.workload(A), policies, known(fresh({ score: "50" })), NOW);
    expect(findings.map(({ policy, rule, enforcement }) => [policy, rule, enforcement])).toEqual([
      ["strict", "re-score-gate", "Deny"],
      ["strict", "soak", "Deny"],
      ["gentle", "pr-required", "Warn"],
      ["silent", "change-window", "Audit"],
    ]);
  });
});

describe("an exception", () => {
  const exception = (change: Partial<PolicyException> = {}): PolicyException => ({
    ...{ environment: "acme-prod", rule: "re-score-gate", reason: "incident 17" },
    until: "2026-11-29T12:00:00.001Z",
    ...change,
  });
  const judged = (...exceptions: PolicyException[]) =>
    judgeInstall(
      installs.workload(A),
      [environmentPolicy("live", [SCORE, SOAK], { exceptions })],
      known(),
      NOW,
    );

  it("switches off its rule in its environment, and is reported", () => {
    const { findings, exceptions } = judged(exception({ environment: "other-prod" }), exception());
    expect(findings.map(({ rule }) => rule)).toEqual(["soak"]);
    expect(exceptions).toEqual([{ policy: "live", exception: exception() }]);
  });

  it.each<[string, Partial<PolicyException>]>([
    ["has ended", { until: "2026-11-29T12:00:00Z" }],
    ["names another environment", { environment: "acme-stg" }],
    ["names another rule", { rule: "pr-required" }],
    ["has an end that is no time", { until: "never" }],
  ])("ignores an exception that %s", (_, change) => {
    const { findings, exceptions } = judged(exception(change));
    expect(findings.map(({ rule }) => rule)).toEqual(["re-score-gate", "soak"]);
    expect(exceptions).toEqual([]);
  });
});
