import { parseDurationMs } from "../../api/duration.ts";
import { type Environment, type EnvironmentPolicy, soakSource } from "../../api/environment-policy.ts";
import type { EnvironmentRule, EnvironmentRuleName, PolicyException } from "../../api/environment-rule.ts";
import { ANNOTATION } from "../../api/label.ts";
import { type ChangeWindow, windowAt } from "./change-window.ts";
import { type EvidenceSource, evidenceFor, hasEvidence, lowestScore } from "./evidence.ts";
import type { Violation } from "./fact.ts";
import type { Install, InstalledArtifact } from "./install.ts";

/** The facts about an install, collected before the judgement. */
export interface InstallFacts {
  environment: Environment;
  /** The evidence on the object itself, and on the HelmRelease that the object's label names. */
  evidence: readonly EvidenceSource[];
  /** The digest in the OCIRepository of a HelmRelease; undefined when the OCIRepository does not exist. */
  chartDigest: string | undefined;
  /** Since when the digest has run in a namespace without a break, in milliseconds; undefined when it does not run there. */
  runningSinceMs(namespace: string, digest: string): number | undefined;
}

/** A rule of a policy that an install breaks. */
export interface Finding {
  policy: string;
  rule: EnvironmentRuleName;
  enforcement: EnvironmentPolicy["spec"]["enforcement"];
  violation: Violation;
}

/** A rule that an exception switched off for this install. */
export interface AppliedException {
  policy: string;
  exception: PolicyException;
}

interface Subject {
  install: Install;
  facts: InstallFacts;
  policy: string;
  nowMs: number;
}

/**
 * The rules that one install breaks. `policies` are those of its environment. The install must satisfy every rule of each.
 */
export function judgeInstall(
  install: Install,
  policies: readonly EnvironmentPolicy[],
  facts: InstallFacts,
  nowMs: number,
): { findings: Finding[]; exceptions: AppliedException[] } {
  const findings: Finding[] = [];
  const exceptions: AppliedException[] = [];
  for (const { metadata, spec } of policies) {
    const policy = metadata.name;
    for (const rule of spec.rules) {
      const name = nameOf(rule);
      const exception = exceptionFor(spec.exceptions ?? [], name, facts.environment, nowMs);
      if (exception !== undefined) exceptions.push({ policy, exception });
      else
        for (const violation of violationsOf(rule, { install, facts, policy, nowMs }))
          findings.push({ policy, rule: name, enforcement: spec.enforcement, violation });
    }
  }
  return { findings, exceptions };
}

const nameOf = (rule: EnvironmentRule): EnvironmentRuleName =>
  Object.keys(rule).find(
    (member) => rule[member as EnvironmentRuleName] !== undefined,
  ) as EnvironmentRuleName;

/** An exception no longer applies at its end. */
function exceptionFor(
  exceptions: readonly PolicyException[],
  rule: EnvironmentRuleName,
  { organization, environment }: Environment,
  nowMs: number,
): PolicyException | undefined {
  return exceptions.find(
    (it) =>
      it.rule === rule && it.environment === `${organization}-${environment}` && nowMs < Date.parse(it.until),
  );
}

function violationsOf(rule: EnvironmentRule, subject: Subject): Violation[] {
  if (rule["change-window"] !== undefined) return windowViolations(rule["change-window"], subject);
  if (rule["pr-required"] !== undefined) return approvalViolations(rule["pr-required"], subject);
  if (rule["re-score-gate"] !== undefined) return scoreViolations(rule["re-score-gate"], subject);
  return rule.soak === undefined ? [] : soakViolations(rule.soak, subject);
}

const ASK = "ask the platform team for an exception";

function windowViolations(window: ChangeWindow, { install, policy, nowMs }: Subject): Violation[] {
  const state = windowAt(window, nowMs);
  if (state.kind === "open") return [];
  const { cron, duration, timeZone } = window;
  const message =
    state.kind === "invalid"
      ? `the change window of EnvironmentPolicy ${policy} never opens, because its ${state.problems.map(({ field }) => field).join(" and ")} cannot be used; ask the platform team to correct it`
      : `the change window of EnvironmentPolicy ${policy} is closed; install after it opens at ${new Date(state.opensAtMs).toISOString()} for ${duration} ('${cron}', ${timeZone}), or ${ASK}`;
  return [{ rule: "environment-window", path: firstPath(install), message }];
}

const firstPath = (install: Install): string =>
  install.kind === "release" ? install.path : (install.artifacts[0]?.path ?? "spec");

/** The artifacts that the evidence must cover. A chart that does not exist yet has no digest. */
const digestsOf = (install: Install, { chartDigest }: InstallFacts): (string | undefined)[] =>
  install.kind === "release" ? [chartDigest] : install.artifacts.map(({ digest }) => digest);

/**
 * A HelmRelease installs its values too, and no digest covers these. So for a HelmRelease only evidence of the same request
 * counts, even when earlier evidence names the digest.
 */
const evidenceSources = (
  name: "approvedBy" | "score",
  install: Install,
  { evidence }: InstallFacts,
): EvidenceSource[] => evidence.filter((source) => source[name].isFresh || install.kind !== "release");

const remedyOf = (install: Install, annotation: string, example: string): string =>
  install.kind === "release"
    ? `ask the pipeline to install the HelmRelease and to write annotation ${annotation} in the same request`
    : `ask the pipeline to write ${example} in annotation ${annotation}, with the digest of each artifact, before the install or with it`;

function approvalViolations(
  { approvers, minimum }: NonNullable<EnvironmentRule["pr-required"]>,
  { install, facts, policy }: Subject,
): Violation[] {
  const sources = evidenceSources("approvedBy", install, facts);
  const found = digestsOf(install, facts).map((digest) => evidenceFor("approvedBy", digest, sources));
  const approvals = Math.min(
    ...found.map((names) => [...names].filter((name) => approvers.includes(name)).length),
  );
  if (approvals >= minimum) return [];
  return [
    {
      rule: "environment-approval",
      path: `metadata.annotations[${ANNOTATION.approvedBy}]`,
      message: `EnvironmentPolicy ${policy} asks for approvals by ${minimum} of its approvers, and ${approvals} count for this install${approvals > 0 ? "" : noteOf("approvedBy", found, facts, "it names none of them")}; ${remedyOf(install, ANNOTATION.approvedBy, "name@sha256:<64 hex>")}`,
    },
  ];
}

function scoreViolations(
  { minimum }: NonNullable<EnvironmentRule["re-score-gate"]>,
  { install, facts, policy }: Subject,
): Violation[] {
  const sources = evidenceSources("score", install, facts);
  const entries = digestsOf(install, facts).map((digest) => evidenceFor("score", digest, sources));
  const scores = entries.map(lowestScore);
  const score = scores.includes(undefined) ? undefined : Math.min(...scores.map(Number));
  if (score !== undefined && score >= minimum) return [];
  const found =
    score === undefined
      ? `none counts${noteOf("score", entries, facts, "an entry is no number from 0 to 100")}`
      : `it has ${score}`;
  return [
    {
      rule: "environment-score",
      path: `metadata.annotations[${ANNOTATION.score}]`,
      message: `EnvironmentPolicy ${policy} asks for a score of at least ${minimum} for this install, and ${found}; ${remedyOf(install, ANNOTATION.score, "<0 to 100>@sha256:<64 hex>")}`,
    },
  ];
}

/**
 * Explains why evidence on the object does not count, for a person who sees it there. `found` are the entries about each
 * artifact. `invalid` is the reason when each has some.
 */
function noteOf(
  name: "approvedBy" | "score",
  found: readonly ReadonlySet<string>[],
  { evidence }: InstallFacts,
  invalid: string,
): string {
  if (!hasEvidence(name, evidence)) return "";
  return found.some((entries) => entries.size === 0)
    ? " (the annotation is not about the artifacts of this install)"
    : ` (${invalid})`;
}

function soakViolations(
  { from, duration }: NonNullable<EnvironmentRule["soak"]>,
  { install, facts, policy, nowMs }: Subject,
): Violation[] {
  const { environment, chartDigest } = facts;
  const source = soakSource(from, environment);
  // Other users may not learn the name of another Organization's environment.
  const isOwn = source.slice(0, source.lastIndexOf("-")) === environment.organization;
  const where = isOwn ? source : "the environment that it names";
  const deny = (path: string, problem: string): Violation => ({
    rule: "environment-soak",
    path,
    message: `EnvironmentPolicy ${policy} asks for ${duration} in ${where} without a break, and ${problem}, or ${ASK}`,
  });
  const artifacts: readonly InstalledArtifact[] =
    install.kind === "release" ? [{ path: "spec.chartRef", digest: chartDigest ?? "" }] : install.artifacts;
  if (install.kind === "release" && chartDigest === undefined)
    return [deny("spec.chartRef", `OCIRepository ${install.repository} does not exist; create it first`)];
  return artifacts.flatMap(({ path, digest }) => {
    const sinceMs = facts.runningSinceMs(source, digest);
    if (sinceMs === undefined)
      return [deny(path, `the operator has not seen ${digest} run there; let it run there first`)];
    const untilMs = sinceMs + parseDurationMs(duration);
    if (nowMs >= untilMs) return [];
    return [
      deny(
        path,
        `${digest} has run there since ${new Date(sinceMs).toISOString()}; install it after ${new Date(untilMs).toISOString()}`,
      ),
    ];
  });
}
