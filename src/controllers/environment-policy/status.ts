import { windowProblems } from "../../admission/rules/change-window.ts";
import { setCondition } from "../../api/condition.ts";
import {
  type EnvironmentPolicy,
  type EnvironmentPolicyStatus,
  MAX_DENIALS,
  MAX_GOVERNED,
} from "../../api/environment-policy.ts";
import { SYSTEM_NAMESPACE } from "../../api/name.ts";
import { FINDING_AGE_MS, mergeFindings, type PolicyFinding } from "../../api/policy-finding.ts";
import { readyConditions } from "../readiness.ts";
import { desiredWindow } from "./desired-window.ts";

/** Why rules cannot be enforced, each with the field's path; empty when all can be. */
export function ruleProblems({ spec }: EnvironmentPolicy, nowMs: number): string[] {
  return spec.rules.flatMap(({ "change-window": window }, index) =>
    (window === undefined ? [] : windowProblems(window, nowMs)).map(
      ({ field, message }) => `spec.rules[${index}].change-window.${field}: ${message}`,
    ),
  );
}

/** The time of the next change that time alone causes; undefined when there is none. */
export function nextChangeMs(
  { spec }: EnvironmentPolicy,
  { window, recentDenials = [] }: EnvironmentPolicyStatus,
  nowMs: number,
): number | undefined {
  const changes = [
    ...(spec.exceptions ?? []).map(({ until }) => Date.parse(until)).filter((endMs) => endMs > nowMs),
    ...(window === undefined ? [] : [Date.parse(window.opensAt ?? window.closesAt)]),
    ...recentDenials.map(({ lastTime }) => Date.parse(lastTime) + FINDING_AGE_MS),
  ];
  return changes.length === 0 ? undefined : Math.min(...changes);
}

/** `now` is RFC 3339. */
export function desiredStatus(
  policy: EnvironmentPolicy,
  observed: { environments: readonly string[]; findings: readonly PolicyFinding[] },
  now: string,
): EnvironmentPolicyStatus {
  const { generation } = policy.metadata;
  const nowMs = Date.parse(now);
  const ready = readinessOf(policy, observed.environments.length, nowMs);
  const conditions = readyConditions(policy.status?.conditions, ready, generation, now);
  const exceptions = exceptionCondition(policy, nowMs);
  const window = desiredWindow(policy.spec, nowMs);
  const denials = mergeFindings([], observed.findings, nowMs).slice(0, MAX_DENIALS);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    environments: observed.environments.length,
    governs: [...observed.environments].sort().slice(0, MAX_GOVERNED),
    ...(window === undefined ? {} : { window }),
    ...(denials.length === 0 ? {} : { recentDenials: denials.map(({ policy: _, ...denial }) => denial) }),
    conditions:
      exceptions === undefined
        ? conditions.filter(({ type }) => type !== EXCEPTIONS_CURRENT)
        : setCondition(conditions, exceptions, generation, now),
  };
}

function readinessOf(policy: EnvironmentPolicy, environments: number, nowMs: number) {
  if (policy.metadata.namespace !== SYSTEM_NAMESPACE)
    return {
      status: "False" as const,
      reason: "NamespaceInvalid",
      message: `a policy counts only in namespace ${SYSTEM_NAMESPACE}: create it there, and delete this one`,
    };
  const problems = ruleProblems(policy, nowMs);
  if (problems.length > 0)
    return { status: "False" as const, reason: "RuleInvalid", message: problems.join("; ") };
  return {
    status: "True" as const,
    reason: "Enforceable",
    message: `environments to which the policy applies: ${environments}; enforcement: ${policy.spec.enforcement}`,
  };
}

/** `False` while the policy has an exception that has ended. */
const EXCEPTIONS_CURRENT = "ExceptionsCurrent";

function exceptionCondition({ spec }: EnvironmentPolicy, nowMs: number) {
  const { exceptions = [] } = spec;
  if (exceptions.length === 0) return undefined;
  const ended = exceptions.filter(({ until }) => Date.parse(until) <= nowMs);
  if (ended.length === 0)
    return {
      type: EXCEPTIONS_CURRENT,
      status: "True" as const,
      reason: "ExceptionsHold",
      message: `exceptions in force: ${exceptions.length}`,
    };
  const names = ended.map(({ environment, rule, until }) => `${rule} in ${environment} (until ${until})`);
  return {
    type: EXCEPTIONS_CURRENT,
    status: "False" as const,
    reason: "ExceptionEnded",
    message: `these exceptions have ended and have no effect, so remove them: ${names.join(", ")}`,
  };
}
