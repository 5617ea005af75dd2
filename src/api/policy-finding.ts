import type { EnvironmentPolicyStatus } from "./environment-policy.ts";
import { POLICY_ENFORCEMENTS, RULE_NAMES } from "./environment-rule.ts";
import { type ConfigMapObject, isMap } from "./object.ts";

/**
 * Installs that broke one rule of a policy in one environment. All replicas of the operator add theirs to a ConfigMap of
 * catalyst-system, and the leader shows the newest in each policy's status.
 */
export type PolicyFinding = NonNullable<EnvironmentPolicyStatus["recentDenials"]>[number] & {
  policy: string;
};

export const FINDING_REPORT = { configMap: "catalyst-policy-findings", key: "findings.json" } as const;

/** A finding that is older is no longer shown. */
export const FINDING_AGE_MS = 24 * 3_600_000;
/** An entry takes at most 3.5 KB, and a ConfigMap holds 1 MiB. */
const MAX_FINDINGS = 250;

const keyOf = ({ policy, environment, rule, enforcement }: PolicyFinding): string =>
  [policy, environment, rule, enforcement].join("\n");

/** Merges both lists, the newest finding first, without those that are no longer shown. */
export function mergeFindings(
  stored: readonly PolicyFinding[],
  added: readonly PolicyFinding[],
  nowMs: number,
): PolicyFinding[] {
  const merged = new Map<string, PolicyFinding>();
  for (const finding of [...stored, ...added]) {
    const known = merged.get(keyOf(finding));
    merged.set(keyOf(finding), known === undefined ? finding : joined(known, finding));
  }
  return [...merged.values()]
    .filter(({ lastTime }) => nowMs - Date.parse(lastTime) < FINDING_AGE_MS)
    .sort((one, other) => Date.parse(other.lastTime) - Date.parse(one.lastTime))
    .slice(0, MAX_FINDINGS);
}

function joined(one: PolicyFinding, other: PolicyFinding): PolicyFinding {
  const newer = one.lastTime > other.lastTime ? one : other;
  return { ...newer, count: one.count + other.count };
}

/** The findings of a report; none when the text is not a report. Entries that cannot be read do not count. */
export function parseFindings(object: ConfigMapObject | undefined): PolicyFinding[] {
  try {
    const parsed: unknown = JSON.parse(object?.data?.[FINDING_REPORT.key] ?? "[]");
    return Array.isArray(parsed) ? parsed.filter(isFinding) : [];
  } catch {
    return [];
  }
}

function isFinding(value: unknown): value is PolicyFinding {
  if (!isMap(value)) return false;
  const { policy, environment, rule, enforcement, lastTime, user, object, message, count } = value;
  const isText = [policy, environment, lastTime, user, object, message].every(
    (text) => typeof text === "string",
  );
  const isKnown =
    RULE_NAMES.some((name) => name === rule) && POLICY_ENFORCEMENTS.some((name) => name === enforcement);
  return isText && isKnown && typeof count === "number" && !Number.isNaN(Date.parse(String(lastTime)));
}
