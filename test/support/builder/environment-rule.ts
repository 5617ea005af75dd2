import { type InstallFacts, judgeInstall } from "../../../src/admission/rules/environment-policy.ts";
import { readEvidence } from "../../../src/admission/rules/evidence.ts";
import type { Install } from "../../../src/admission/rules/install.ts";
import type { EnvironmentRule } from "../../../src/api/environment-rule.ts";
import { digest, environmentPolicy, evidence } from "./install-request.ts";

export const A = digest("a");
export const B = digest("b");
export const NOW = Date.parse("2026-11-29T12:00:00Z");
export const HOUR = 3_600_000;

export const installs = {
  workload: (...digests: string[]): Install => ({
    kind: "workload",
    artifacts: digests.map((it, index) => ({ path: `spec.containers[${index}].image`, digest: it })),
  }),
  chart: { kind: "chart", artifacts: [{ path: "spec.ref.digest", digest: A }] } as Install,
  release: { kind: "release", path: "spec.values.image", repository: "shop" } as Install,
};
export const known = (change: Partial<InstallFacts> = {}): InstallFacts => ({
  environment: { organization: "acme", environment: "prod" },
  evidence: [],
  chartDigest: A,
  runningSinceMs: () => undefined,
  ...change,
});
export const written = (
  annotations: { approvedBy?: string; score?: string },
  isFresh = false,
): Partial<InstallFacts> => ({
  evidence: [readEvidence(evidence(annotations), () => isFresh)],
});
export const fresh = (annotations: { approvedBy?: string; score?: string }) => written(annotations, true);

export const WINDOW: EnvironmentRule = {
  "change-window": { cron: "0 22 * * sun-thu", duration: "4h", timeZone: "Asia/Muscat" },
};
export const APPROVAL: EnvironmentRule = {
  "pr-required": { approvers: ["amal", "badr", "chaya"], minimum: 2 },
};
export const SCORE: EnvironmentRule = { "re-score-gate": { minimum: 80 } };
export const SOAK: EnvironmentRule = { soak: { from: "stg", duration: "24h" } };

/** The findings of one rule: the rule of admission, the path and the message. */
export const found = (rule: EnvironmentRule, install: Install, facts = known(), nowMs = NOW) =>
  judgeInstall(install, [environmentPolicy("live", [rule])], facts, nowMs).findings.map(
    ({ violation: { rule: id, path, message } }) => [id, path, message],
  );
export const isAllowed = (...of: Parameters<typeof found>) => found(...of).length === 0;
