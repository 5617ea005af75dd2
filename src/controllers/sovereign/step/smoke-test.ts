import { BILLING } from "../../../api/name.ts";
import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { isSameImage } from "../../../kube/difference.ts";
import { canonicalJson, sha256Digest } from "../../../platform/canonical-json.ts";
import { podsOf } from "../cache.ts";
import { type ReconcileContext, SOON_MS } from "../context.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { urlOf } from "../desired-workload.ts";
import { type Evidence, gatherEvidence, isFresh, REVERIFY_MS } from "../evidence.ts";
import { isReadyPod, type PodObject } from "../observed.ts";
import { falseCondition, type Stop, waiting } from "../status.ts";

/** The wait after the first failure. It doubles with each one that follows. */
const SMOKE_RETRY_MS = 5_000;

/** Found by its name: a mesh may put its sidecar before it. */
const billingImage = (pod: PodObject) =>
  pod.spec?.containers.find(({ name }) => name === BILLING.workload)?.image;

/** What the smoke test measured, or why there is no measurement. */
export type SmokeTestResult = { evidence: Evidence; stop?: never } | { evidence?: never; stop: Stop };

/**
 * Runs the four-step smoke test against every ready Pod, unless the last one is fresh. `configured` is everything that
 * billing runs with: another configuration, or other Pods, need another smoke test.
 */
export async function runSmokeTest(
  context: ReconcileContext,
  image: string,
  configured: readonly KubernetesObject[],
): Promise<SmokeTestResult> {
  const { deps, sovereign, findings } = context;
  const namespace = namespaceOf(sovereign);
  findings.facts.url = urlOf(sovereign, namespace);
  const stop = (reason: string, message: string, retryAfterMs: number) => {
    findings.conditions.push(falseCondition(CONDITION.voucherShapeVerified, reason, message));
    return { stop: waiting(reason, message, retryAfterMs) };
  };

  const pods = podsOf(deps.caches, namespace, "billing").filter(isReadyPod);
  const unexpected = pods.find((pod) => !isSameImage(billingImage(pod), image));
  if (unexpected !== undefined) {
    const runs = billingImage(unexpected) ?? "no container";
    return stop(
      "UnexpectedPodImage",
      `Pod ${unexpected.metadata.name} receives the Service's requests but runs ${runs} instead of the pinned image: ` +
        "the operator waits until it is gone; delete it if no Deployment owns it",
      SOON_MS,
    );
  }
  const evidenceDigest = sha256Digest(
    canonicalJson([configured, pods.map(({ metadata }) => metadata.uid ?? "").sort()]),
  );
  const isInSync = !findings.conditions.some(({ type }) => type === CONDITION.inSync);
  if (isFresh(sovereign, evidenceDigest, isInSync, deps.now().getTime()))
    return { evidence: sovereign.status ?? {} };

  const { evidence, problem } = await gatherEvidence({
    pods,
    identity: sovereign.metadata.uid ?? "",
    port: BILLING.port,
    token: await deps.mintToken(sovereign.spec.fqdn),
    smoke: deps.smoke,
    evidence: evidenceDigest,
    now: deps.now,
    signal: context.signal,
  });
  const failures = problem === undefined ? 0 : earlierFailures(sovereign, image) + 1;
  const { lastSmokeTest } = evidence;
  const counted =
    failures === 0 || lastSmokeTest === undefined ? {} : { lastSmokeTest: { ...lastSmokeTest, failures } };
  Object.assign(findings.facts, evidence, counted);
  if (problem === undefined) return { evidence };
  deps.events.record(sovereign, "Warning", "SmokeTestFailed", problem);
  return stop("SmokeTestFailed", problem, Math.min(SMOKE_RETRY_MS * 2 ** (failures - 1), REVERIFY_MS));
}

/** How many tests of this image failed one after the other. A rollout halts after a few. */
function earlierFailures({ status }: Sovereign, image: string): number {
  return status?.pinnedImage === image ? (status.lastSmokeTest?.failures ?? 0) : 0;
}
