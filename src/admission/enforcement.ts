import { Counter, Gauge, type Registry } from "../platform/metrics.ts";
import type { DenialReport } from "./denial-report.ts";
import type { Verdict } from "./rules/fact.ts";
import type { Identity } from "./rules/identity.ts";
import type { AdmissionInput } from "./rules/request.ts";

/** `Audit` lets every request pass, and reports those that `Deny` would refuse. */
export const ENFORCEMENTS = ["Deny", "Audit"] as const;
export type Enforcement = (typeof ENFORCEMENTS)[number];

/** Turns the verdict of all checks into the verdict of the answer. */
export type Enforcer = (input: AdmissionInput, identity: Identity["kind"], verdict: Verdict) => Verdict;

/** Counts every denial by identity and rule. In `Audit` it also replaces the denial by warnings and adds it to the report. */
export function createEnforcer(deps: {
  enforcement: Enforcement;
  report: DenialReport;
  registry: Registry;
  now: () => Date;
}): Enforcer {
  const { enforcement, report, registry, now } = deps;
  const counter = new Counter({
    name: "catalyst_admission_violations_total",
    help: "Violations of rules by class of identity and rule. With --enforcement Audit, the requests passed.",
    labelNames: ["identity", "rule"],
    registers: [registry],
  });
  new Gauge({
    name: "catalyst_admission_enforcing",
    help: "1: admission denies what violates a rule. 0: it only reports it (--enforcement Audit). Alert on 0.",
    registers: [registry],
  }).set(enforcement === "Deny" ? 1 : 0);

  return function enforce(input, identity, verdict) {
    for (const { rule } of verdict.violations) counter.inc({ identity, rule });
    if (enforcement === "Deny" || verdict.violations.length === 0) return verdict;
    for (const violation of verdict.violations) report.record(input, identity, violation, now());
    return passedVerdict(verdict);
  };
}

/** The same verdict, with its violations as warnings and as an annotation of the audit log. */
function passedVerdict({ violations, warnings, auditAnnotations }: Verdict): Verdict {
  const rules = [...new Set(violations.map(({ rule }) => rule))];
  return {
    violations: [],
    warnings: [
      ...violations.map(({ rule, path, message }) => `would be denied: ${rule}: ${path}: ${message}`),
      ...warnings,
    ],
    auditAnnotations: { ...auditAnnotations, "would-deny": rules.join(",") },
  };
}
