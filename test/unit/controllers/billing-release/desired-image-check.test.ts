import { describe, expect, it } from "vitest";
import { type BillingRelease, IMAGE_FOUND, type ImageCheck } from "../../../../src/api/billing-release.ts";
import { findCondition, READY } from "../../../../src/api/condition.ts";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { withImageCheck } from "../../../../src/controllers/billing-release/desired-image-check.ts";
import { memberOf, planOf } from "../../../../src/controllers/billing-release/desired-member.ts";
import { decideMember, decideStep } from "../../../../src/controllers/billing-release/desired-rollout.ts";
import { tallyOf } from "../../../../src/controllers/billing-release/desired-tally.ts";
import { desiredStatus } from "../../../../src/controllers/billing-release/status.ts";
import { transitionsOf } from "../../../../src/controllers/billing-release/status-transition.ts";
import { failedConditions } from "../../../../src/controllers/readiness.ts";
import {
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  servingOn,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";

type Result = ImageCheck["result"] | undefined;
const nowMs = Date.parse(NOW);
const zero = (image: string) => sovereign("zero", { role: "CatalystZero" }, verifiedOn(image));
const FLEET = [zero(IMAGE), sovereign("alpha", {}, servingOn(IMAGE)), sovereign("fresh")];
/** The previous image was found, and the release takes the next one. */
const changed = (): BillingRelease =>
  release({}, { ...measured(IMAGE), imageCheck: { image: IMAGE, result: "Found" } });

const NOT_FOUND = `spec.image: the registry does not have ${NEXT_IMAGE}: push it, or set spec.image to a digest that the registry has; if the registry is private, give the operator a pull secret for it`;
const UNKNOWN = `the registry did not say whether it has ${NEXT_IMAGE}, so the rollout goes on without this check: the operator's log says why, and it asks again`;
const CHECKING = `the operator asks the registry for ${NEXT_IMAGE}: the rollout goes on within seconds`;

function decisions(brel: BillingRelease, fleet: readonly Sovereign[]) {
  const plan = planOf(brel);
  const step = decideStep(brel, tallyOf(plan, fleet, nowMs), nowMs);
  return fleet.map((own) => {
    const decision = decideMember(memberOf(own, plan, nowMs), step, plan, nowMs);
    return decision.kind === "wait" ? decision.reason : decision.kind;
  });
}

function report(before: BillingRelease, result: Result, fleet: readonly Sovereign[] = FLEET) {
  const brel = withImageCheck(before, result, NOW);
  const status = desiredStatus(brel, tallyOf(planOf(brel), fleet, nowMs), fleet[0], NOW);
  const transitions = transitionsOf(before, status).map(({ type, reason }) => `${type} ${reason}`);
  return { status, transitions, after: { ...before, status } };
}

describe("the check of a release's image", () => {
  it.each<[Result, string[]]>([
    ["Found", ["update", "WaitingForCanary", "WaitingForCanary"]],
    ["Unknown", ["update", "WaitingForCanary", "WaitingForCanary"]],
    ["NotFound", ["ImageNotFound", "ImageNotFound", "ImageNotFound"]],
    [undefined, ["CheckingImage", "CheckingImage", "CheckingImage"]],
  ])("decides with the answer %s whether Sovereigns start", (result, expected) => {
    expect(decisions(withImageCheck(changed(), result, NOW), FLEET)).toEqual(expected);
  });

  it("starts no Sovereign before the registry was asked about exactly this image", () => {
    expect(decisions(changed(), FLEET)).toEqual(["CheckingImage", "CheckingImage", "CheckingImage"]);
  });

  it("stops a rollout under way, and leaves Sovereigns on the image as they are", () => {
    const fleet = [zero(NEXT_IMAGE), sovereign("alpha", {}, servingOn(IMAGE))];
    const brel = withImageCheck(release({}, measured(NEXT_IMAGE)), "NotFound", NOW);
    expect(decisions(brel, fleet)).toEqual(["update", "ImageNotFound"]);
  });

  it.each<[Result, string, string, string]>([
    ["Found", "True", "Found", `the registry has ${NEXT_IMAGE}`],
    ["NotFound", "False", "ImageNotFound", NOT_FOUND],
    ["Unknown", "Unknown", "RegistryUnavailable", UNKNOWN],
    [undefined, "Unknown", "CheckingImage", CHECKING],
  ])("shows the answer %s as ImageFound=%s", (result, status, reason, message) => {
    const { conditions } = report(changed(), result).status;
    expect(findCondition(conditions, IMAGE_FOUND)).toMatchObject({ status, reason, message });
  });

  it.each<[Result, string, string, string]>([
    ["NotFound", "Stalled", "ImageNotFound", NOT_FOUND],
    [undefined, "Reconciling", "CheckingImage", CHECKING],
  ])(
    "explains after the answer %s in Ready and %s why no Sovereign starts",
    (result, progress, reason, message) => {
      const { conditions, phase } = report(changed(), result).status;
      expect(phase).toBe("Pending");
      for (const type of [READY, progress])
        expect(findCondition(conditions, type)).toMatchObject({
          reason,
          message: `0 of 3 Sovereigns are verified on version 2.0.0: ${message}`,
        });
    },
  );

  it("reports a missing image once, and the start when it is there", () => {
    const first = report(changed(), undefined);
    expect(first.transitions).toEqual([]);
    const missing = report(first.after, "NotFound");
    expect(missing.transitions).toEqual(["Warning ImageNotFound"]);
    const again = report(missing.after, "NotFound");
    expect(again.transitions).toEqual([]);
    expect(again.status).toEqual(missing.status);
    expect(report(again.after, "Found").transitions).toEqual(["Normal RolloutStarted"]);
  });

  it("reports an unknown answer once, and starts", () => {
    const unknown = report(changed(), "Unknown");
    expect(unknown.transitions).toEqual(["Warning RegistryUnavailable", "Normal RolloutStarted"]);
    expect(report(unknown.after, "Unknown").transitions).toEqual([]);
  });

  it("keeps the answer for this image while there is no newer one", () => {
    const { after } = report(changed(), "NotFound");
    expect(report(after, undefined).status).toEqual(after.status);
  });

  it("still starts nothing after a reconcile failed, although ImageFound is Unknown then", () => {
    const { after } = report(changed(), "NotFound");
    const failure = { reason: "Forbidden", message: "no", isFinal: false };
    const conditions = failedConditions(after.status?.conditions, failure, 1, NOW);
    expect(findCondition(conditions, IMAGE_FOUND)?.status).toBe("Unknown");
    const failed = { ...after, status: { ...after.status, conditions } };
    expect(decisions(failed, FLEET)).toEqual(["ImageNotFound", "ImageNotFound", "ImageNotFound"]);
  });

  it("leaves a Complete release Complete", () => {
    const fleet = [zero(NEXT_IMAGE)];
    const { status } = report(release({}, measured(NEXT_IMAGE)), "NotFound", fleet);
    expect(status.phase).toBe("Complete");
    expect(findCondition(status.conditions, IMAGE_FOUND)?.status).toBe("False");
  });
});
