import type { EnvironmentPolicy, EnvironmentPolicyStatus } from "../../api/environment-policy.ts";
import { readyConditions } from "../readiness.ts";

const FIELD = /^(\*|\d+(-\d+)?)(\/\d+)?(,(\*|\d+(-\d+)?)(\/\d+)?)*$/;

/** Why rules cannot be enforced, each with the field's path; empty when all can be. */
export function ruleProblems(policy: EnvironmentPolicy, isTimeZone: (name: string) => boolean): string[] {
  return policy.spec.rules.flatMap((rule, index) => {
    const window = rule["change-window"];
    if (window === undefined) return [];
    const path = `spec.rules[${index}].change-window`;
    const fields = window.cron.trim().split(/\s+/);
    return [
      ...(fields.length === 5 && fields.every((field) => FIELD.test(field))
        ? []
        : [
            `${path}.cron: '${window.cron}' must have five cron fields: minute, hour, day, month and weekday`,
          ]),
      ...(isTimeZone(window.timeZone)
        ? []
        : [
            `${path}.timeZone: '${window.timeZone}' is not an IANA time zone: write one, for example Asia/Muscat`,
          ]),
    ];
  });
}

export function desiredStatus(
  policy: EnvironmentPolicy,
  observed: { problems: string[]; environments: number },
  now: string,
): EnvironmentPolicyStatus {
  const { generation } = policy.metadata;
  const ready =
    observed.problems.length === 0
      ? {
          status: "True" as const,
          reason: "Enforceable",
          message: `the policy applies to ${observed.environments} environments, with enforcement ${policy.spec.enforcement}`,
        }
      : { status: "False" as const, reason: "RuleInvalid", message: observed.problems.join("; ") };
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    environments: observed.environments,
    conditions: readyConditions(policy.status?.conditions, ready, generation, now),
  };
}

/** Whether a pattern of the policy matches `<organization>-<environment>`. A `*` matches either part. */
export function appliesTo(policy: EnvironmentPolicy, organization: string, environment: string): boolean {
  return policy.spec.appliesTo.environments.some((pattern) => {
    const dash = pattern.lastIndexOf("-");
    const [organizationPart, environmentPart] = [pattern.slice(0, dash), pattern.slice(dash + 1)];
    return (
      (organizationPart === "*" || organizationPart === organization) &&
      (environmentPart === "*" || environmentPart === environment)
    );
  });
}
