import { isConditionTrue } from "../../../api/condition.ts";
import { BILLING } from "../../../api/name.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { podsOf } from "../cache.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { urlOf } from "../desired-workload.ts";
import { type Evidence, gatherEvidence, isFresh, shapeDifference } from "../evidence.ts";
import { fails, holds, type Stop, stalled, waiting } from "../status.ts";
import type { Step } from "./step.ts";

const SMOKE_RETRY_MS = 5_000;

/**
 * The four-step smoke test, and the measured shape against the reference. `configurationDigest` stands for everything
 * that billing runs with: evidence that was gathered under another one is gathered anew.
 */
export async function verify(
  step: Step,
  image: string,
  configurationDigest: string,
): Promise<Stop | undefined> {
  const { deps, sovereign, findings } = step;
  const { status, spec } = sovereign;
  const namespace = namespaceOf(sovereign);
  findings.facts.url = urlOf(sovereign, namespace);

  const isInSync =
    isConditionTrue(status?.conditions, CONDITION.inSync) &&
    !findings.conditions.some(({ type }) => type === CONDITION.inSync);
  if (isFresh(sovereign, configurationDigest, isInSync, deps.now().getTime()))
    return judgeShape(step, image, status ?? {});

  const { evidence, problem } = await gatherEvidence({
    pods: podsOf(deps.caches, namespace, "billing").filter((pod) => pod.spec?.containers[0]?.image === image),
    port: BILLING.port,
    token: await deps.mintToken(spec.fqdn),
    smoke: deps.smoke,
    evidence: configurationDigest,
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

function judgeShape(step: Step, image: string, evidence: Evidence): Stop | undefined {
  const { deps, sovereign, findings } = step;
  const { release } = sovereign.spec.billing;
  const reference = deps.caches.releases.get(release)?.status?.reference;
  const verified = (reason: string, message: string) => {
    findings.conditions.push(
      holds(CONDITION.voucherShapeVerified, reason, message),
      holds(CONDITION.inSync, "InSync", "everything is as the manifests say"),
    );
    return undefined;
  };
  if (reference?.image !== image) {
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
