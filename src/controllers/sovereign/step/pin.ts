import { ANNOTATION, isFromHub } from "../../../api/label.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { departureOf } from "../../billing-release/desired-return.ts";
import type { RolloutWait } from "../../billing-release/desired-step.ts";
import { isBroken } from "../../billing-release/desired-verdict.ts";
import type { ReconcileContext } from "../context.ts";
import { requeueWithin } from "../findings.ts";
import { falseCondition, type Stop, trueCondition, waiting } from "../status.ts";

/** The image to run, `repository@sha256:…`, or the reason why there is none yet. */
export type Pinned = { image: string; stop?: never } | { image?: never; stop: Stop };

/**
 * Pins the image that the rollout gives this Sovereign: the release's image, or the previous image while the rollout goes
 * back. While the rollout makes it wait, the Sovereign keeps its present image.
 */
export function pinImage({ deps, sovereign, findings }: ReconcileContext): Pinned {
  const { caches, fleets } = deps;
  const name = sovereign.spec.billing.release;
  const release = caches.releases.get(name);
  const current = sovereign.status?.pinnedImage;
  if (release === undefined) {
    const message = `BillingRelease ${name} does not exist: apply it`;
    findings.conditions.push(falseCondition(CONDITION.imagePinned, "ReleaseMissing", message));
    return { stop: waiting("ReleaseMissing", message) };
  }
  const decision = isFromHub(sovereign) ? hubDecision(sovereign) : fleets.decide(sovereign, release);
  if (decision.kind === "wait") {
    const { reason, message, retryAfterMs } = decision;
    if (current === undefined) {
      findings.conditions.push(falseCondition(CONDITION.imagePinned, reason, message));
      return { stop: waiting(reason, message, retryAfterMs) };
    }
    findings.conditions.push(
      trueCondition(CONDITION.imagePinned, reason, `${current} stays pinned: ${message}`),
    );
    if (retryAfterMs !== undefined) requeueWithin(findings, retryAfterMs);
    return { image: current };
  }
  const { previousImage, lastSmokeTest } = sovereign.status ?? {};
  const target = decision.kind === "given" ? decision.image : release.spec.image;
  const image = (decision.kind === "return" ? previousImage : undefined) ?? target;
  findings.facts.pinnedImage = image;
  if (decision.kind !== "return")
    Object.assign(findings.facts, departureOf(sovereign.status ?? {}, release, image));
  if (decision.kind !== "return" && current !== undefined && current !== image && isBroken(sovereign))
    findings.facts.takenWhileFailing = image;
  findings.conditions.push(trueCondition(CONDITION.imagePinned, "Pinned", image));
  // The earlier smoke tests were of another image, so neither a verification nor a failure counts for this one.
  if (current !== undefined && current !== image) {
    if (lastSmokeTest?.failures !== undefined)
      findings.facts.lastSmokeTest = { ...lastSmokeTest, failures: 0 };
    findings.conditions.push(
      falseCondition(
        CONDITION.voucherShapeVerified,
        "ImageChanged",
        "the new image is not verified yet: the smoke test runs after the rollout",
      ),
    );
  }
  return { image };
}

/** A Sovereign that a hub manages takes the image that the hub's rollout gives it. */
function hubDecision({
  metadata,
}: Sovereign): { kind: "given"; image: string } | ({ kind: "wait" } & RolloutWait) {
  const image = metadata.annotations?.[ANNOTATION.image];
  return image === undefined ? { kind: "wait", ...WAITING_FOR_HUB } : { kind: "given", image };
}

const WAITING_FOR_HUB: RolloutWait = {
  reason: "WaitingForHub",
  message:
    "the hub's rollout has not reached this Sovereign yet: it takes its first image by itself afterwards",
};
