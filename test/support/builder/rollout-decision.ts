import type { BillingRelease } from "../../../src/api/billing-release.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { memberOf, planOf } from "../../../src/controllers/billing-release/desired-member.ts";
import {
  decideMember,
  decideStep,
  type RolloutDecision,
} from "../../../src/controllers/billing-release/desired-rollout.ts";
import { tallyOf } from "../../../src/controllers/billing-release/desired-tally.ts";
import { desiredStatus } from "../../../src/controllers/billing-release/status.ts";
import { IMAGE, NEXT_IMAGE, NOW, servingOn, sovereign, verifiedOn } from "./catalyst-object.ts";

/** Catalyst-Zero, verified on an image. */
export const zero = (image: string) => sovereign("zero", { role: "CatalystZero" }, verifiedOn(image));
export const nowMs = Date.parse(NOW);
/** A Sovereign that serves with the release's image. */
export const done = (name: string) => sovereign(name, {}, servingOn(NEXT_IMAGE));
/** A Sovereign that serves with the previous image. */
export const waiting = (name: string) => sovereign(name, {}, servingOn(IMAGE));
const DIGEST = NEXT_IMAGE.split("@")[1];

export function stepOf(brel: BillingRelease, fleet: Sovereign[], atMs = nowMs) {
  const tally = tallyOf(planOf(brel), fleet, atMs);
  return decideStep(brel, tally, atMs);
}

/** The decision of a rollout for one Sovereign of a fleet. */
export function decide(
  own: Sovereign,
  brel: BillingRelease,
  fleet: Sovereign[],
  atMs = nowMs,
): RolloutDecision {
  const plan = planOf(brel);
  const member = memberOf(own, plan, atMs);
  return decideMember(member, stepOf(brel, fleet, atMs), plan, atMs);
}
/** The release as its controller writes it after this state of the fleet. */
export function observed(brel: BillingRelease, fleet: Sovereign[], at = NOW): BillingRelease {
  const tally = tallyOf(planOf(brel), fleet, Date.parse(at));
  const catalystZero = fleet.find(({ metadata }) => tally.zeros.has(metadata.name));
  return { ...brel, status: desiredStatus(brel, tally, catalystZero, at) };
}

export const reasonOf = (decision: RolloutDecision) =>
  decision.kind === "wait" ? decision.reason : decision.kind;

export const annotated = (brel: BillingRelease, annotations: Record<string, string>): BillingRelease => ({
  ...brel,
  metadata: { ...brel.metadata, annotations },
});
/** The value of an annotation that a person writes for an image, at a generation of the release or for a halt. */
export const by = (user: string, digest = DIGEST, number = 1) => `${user}@${digest}#${number}`;
