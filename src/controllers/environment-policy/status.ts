import type { EnvironmentPolicy, EnvironmentPolicyStatus } from "../../api/environment-policy.ts";
import { readyConditions } from "../readiness.ts";

const FIELD = /^(\*|\d+(-\d+)?)(\/\d+)?(,(\*|\d+(-\d+)?)(\/\d+)?)*$/;

/** Why a rule cannot be enforced, with the field's path; nothing when all can. */
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
            `${path}.cron: '${window.cron}' is not five cron fields: write minute, hour, day, month, weekday`,
          ]),
      ...(isTimeZone(window.timeZone)
        ? []
        : [`${path}.timeZone: '${window.timeZone}' is no IANA time zone: write one as Asia/Muscat`]),
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
          message: `${policy.spec.enforcement} in ${observed.environments} environments`,
        }
      : { status: "False" as const, reason: "RuleInvalid", message: observed.problems.join("; ") };
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    environments: observed.environments,
    conditions: readyConditions(policy.status?.conditions, ready, generation, now),
  };
}

/** Whether `<org>-<env>` is among the patterns, `*` standing for either part. */
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
