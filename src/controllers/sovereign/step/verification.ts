import { BILLING } from "../../../api/name.ts";
import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { canonicalJson, sha256Digest } from "../../../platform/canonical-json.ts";
import { referenceOf } from "../../billing-release/desired-target.ts";
import { podsOf } from "../cache.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { urlOf } from "../desired-workload.ts";
import { type Evidence, gatherEvidence, isFresh, shapeDifference } from "../evidence.ts";
import { isReadyPod } from "../observed.ts";
import { fails, holds, type Stop, stalled, waiting } from "../status.ts";
import { SOON_MS, type Step } from "./step.ts";

const SMOKE_RETRY_MS = 5_000;

/**
 * The four-step smoke test, and the measured shape against the reference. `configured` is everything that billing runs
 * with: evidence of another configuration, or of other Pods, is gathered anew.
 */
export async function verify(
  step: Step,
  image: string,
  configured: readonly KubernetesObject[],
): Promise<Stop | undefined> {
  const { deps, sovereign, findings } = step;
  const { status, spec } = sovereign;
  const namespace = namespaceOf(sovereign);
  findings.facts.url = urlOf(sovereign, namespace);

  const pods = podsOf(deps.caches, namespace, "billing").filter(isReadyPod);
  const stranger = pods.find((pod) => pod.spec?.containers[0]?.image !== image);
  if (stranger !== undefined) {
    const message = `Pod ${stranger.metadata.name} answers too, and runs ${stranger.spec?.containers[0]?.image}`;
    findings.conditions.push(fails(CONDITION.voucherShapeVerified, "StrangePod", message));
    return waiting("StrangePod", message, SOON_MS);
  }
  const evidenceDigest = sha256Digest(
    canonicalJson([configured, pods.map(({ metadata }) => metadata.uid ?? "").sort()]),
  );
  const isInSync = !findings.conditions.some(({ type }) => type === CONDITION.inSync);
  if (isFresh(sovereign, evidenceDigest, isInSync, deps.now().getTime()))
    return judgeShape(step, image, status ?? {});

  const { evidence, problem } = await gatherEvidence({
    pods,
    identity: sovereign.metadata.uid ?? "",
    port: BILLING.port,
    token: await deps.mintToken(spec.fqdn),
    smoke: deps.smoke,
    evidence: evidenceDigest,
    now: deps.now,
    signal: step.signal,
  });
  Object.assign(findings.facts, evidence);
  if (problem !== undefined) {
    findings.conditions.push(fails(CONDITION.voucherShapeVerified, "SmokeTestFailed", problem));
    deps.events.record(sovereign, "Warning", "SmokeTestFailed", problem);
    return waiting("SmokeTestFailed", problem, SMOKE_RETRY_MS);
  }
  return judgeShape(step, image, evidence);
}

/** Judged by what was measured of the very image that it runs: while a release rolls out, others wait on the last one. */
function judgeShape(step: Step, image: string, evidence: Evidence): Stop | undefined {
  const { deps, sovereign, findings } = step;
  const reference = referenceOf(deps.caches.releases.get(sovereign.spec.billing.release), image);
  const verified = (reason: string, message: string) => {
    findings.conditions.push(
      holds(CONDITION.voucherShapeVerified, reason, message),
      holds(CONDITION.inSync, "InSync", "everything is as the manifests say"),
    );
    return undefined;
  };
  if (reference === undefined) {
    if (sovereign.spec.role === "CatalystZero")
      return verified("Measured", "the four steps hold; what is measured here is the reference");
    const message = "the release's reference is not measured yet: that happens on Catalyst-Zero";
    findings.conditions.push(fails(CONDITION.voucherShapeVerified, "WaitingForReference", message));
    return waiting("WaitingForReference", message);
  }
  const difference = shapeDifference(evidence, reference);
  if (difference === undefined)
    return verified(
      "Verified",
      `the four steps hold, and both fingerprints equal those of ${reference.measuredOn}`,
    );
  findings.conditions.push(
    fails(CONDITION.voucherShapeVerified, "ShapeDiffers", difference),
    fails(CONDITION.inSync, "ShapeDiffers", difference),
  );
  deps.events.record(sovereign, "Warning", "ShapeDiffers", difference);
  return stalled("ShapeDiffers", difference);
}
