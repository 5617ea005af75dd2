import { BILLING } from "../../../api/name.ts";
import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { desiredDigest } from "../../../kube/apply-memory.ts";
import { isSameImage } from "../../../kube/difference.ts";
import { canonicalJson, sha256Digest } from "../../../platform/canonical-json.ts";
import { MEASUREMENT_FALLBACK_MS } from "../../measurement.ts";
import { podsOf } from "../cache.ts";
import { type ReconcileContext, SOON_MS } from "../context.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { urlOf } from "../desired-workload.ts";
import { type Evidence, gatherEvidence, isFresh, type SmokeTestOutcome } from "../evidence.ts";
import { billingImageOf, isReadyPod } from "../observed.ts";
import { falseCondition, type Stop, waiting } from "../status.ts";

/** While the shape differs, a result older than this is measured again. Otherwise the status keeps the last good result. */
const REMEASURE_MS = 30_000;

/** The measurements of the smoke test, or why there are none. */
export type SmokeTestResult = { evidence: Evidence; stop?: never } | { evidence?: never; stop: Stop };

/**
 * Runs the four-step smoke test on every ready Pod, unless the last one is still valid. `configured` are all objects that
 * billing runs with: another configuration, or other Pods, need another smoke test. The test runs in the background.
 */
export async function runSmokeTest(
  context: ReconcileContext,
  image: string,
  configured: readonly KubernetesObject[],
): Promise<SmokeTestResult> {
  const { deps, sovereign, findings } = context;
  const { name } = sovereign.metadata;
  const namespace = namespaceOf(sovereign);
  findings.facts.url = urlOf(sovereign, namespace);
  const stop = (reason: string, message: string, retryAfterMs: number) => {
    findings.conditions.push(falseCondition(CONDITION.voucherShapeVerified, reason, message));
    return { stop: waiting(reason, message, retryAfterMs) };
  };

  const pods = podsOf(deps.caches, namespace, "billing").filter(isReadyPod);
  const unexpected = pods.find((pod) => !isSameImage(billingImageOf(pod), image));
  if (unexpected !== undefined) {
    const runs = billingImageOf(unexpected) ?? "no container";
    return stop(
      "UnexpectedPodImage",
      `Pod ${unexpected.metadata.name} receives the Service's requests but runs ${runs} instead of the pinned image: ` +
        "the operator waits until it is gone; delete it if no Deployment owns it",
      SOON_MS,
    );
  }
  const evidenceDigest = sha256Digest(
    canonicalJson([configured.map(desiredDigest), pods.map(({ metadata }) => metadata.uid ?? "").sort()]),
  );
  const isInSync = !findings.conditions.some(({ type }) => type === CONDITION.inSync);
  const needsSmokeTest = deps.verification.needsSmokeTest(name);
  const isProven = isFresh(sovereign, evidenceDigest, isInSync) && !needsSmokeTest;
  if (isProven && isLastTest(deps.smokeTests.peek(name, evidenceDigest), sovereign))
    return { evidence: sovereign.status ?? {} };

  // A test from before the edit or the failed check does not count.
  if (!isInSync || needsSmokeTest) deps.smokeTests.forget(name);
  deps.verification.clear(name);
  const measure = async (signal: AbortSignal, failures: number) => {
    const value = await gatherEvidence({
      pods,
      identity: sovereign.metadata.uid ?? "",
      port: BILLING.port,
      token: await deps.mintToken(sovereign.spec.fqdn),
      smoke: deps.smoke,
      evidence: evidenceDigest,
      now: deps.now,
      signal,
    });
    if (value.problem === undefined) return { value, isGood: true };
    const counted = Math.max(earlierFailures(sovereign, image), failures) + 1;
    return { value: withFailures(value, counted), isGood: false };
  };
  const outcome = await deps.smokeTests.read(name, evidenceDigest, measure, REMEASURE_MS);
  if (outcome === undefined)
    return { stop: waiting("SmokeTestRunning", "the smoke test runs", MEASUREMENT_FALLBACK_MS) };
  const { evidence, problem } = outcome;
  Object.assign(findings.facts, evidence);
  if (problem === undefined) return { evidence };
  const isReported = canonicalJson(evidence.lastSmokeTest) === canonicalJson(sovereign.status?.lastSmokeTest);
  if (!isReported || evidence.lastSmokeTest === undefined)
    deps.events.record(sovereign, "Warning", "SmokeTestFailed", problem);
  return stop("SmokeTestFailed", problem, MEASUREMENT_FALLBACK_MS);
}

/** The number of tests of this image that failed in a row. A rollout halts after a few. */
function earlierFailures({ status }: Sovereign, image: string): number {
  return status?.pinnedImage === image ? (status.lastSmokeTest?.failures ?? 0) : 0;
}

function withFailures({ problem, evidence }: SmokeTestOutcome, failures: number): SmokeTestOutcome {
  const { lastSmokeTest } = evidence;
  if (lastSmokeTest === undefined) return { problem, evidence };
  return { problem, evidence: { ...evidence, lastSmokeTest: { ...lastSmokeTest, failures } } };
}

/** Whether no smoke test runs or ended after the one that the status shows. */
function isLastTest(
  newest: { value: SmokeTestOutcome | undefined } | undefined,
  { status }: Sovereign,
): boolean {
  if (newest === undefined) return true;
  return newest.value?.evidence.lastSmokeTest?.time === status?.lastSmokeTest?.time;
}
