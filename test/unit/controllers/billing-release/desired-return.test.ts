import { describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../../src/api/billing-release.ts";
import { planOf } from "../../../../src/controllers/billing-release/desired-member.ts";
import {
  departureOf,
  returnImageOf,
  rolloutStart,
} from "../../../../src/controllers/billing-release/desired-return.ts";
import { decideStep } from "../../../../src/controllers/billing-release/desired-rollout.ts";
import { tallyOf } from "../../../../src/controllers/billing-release/desired-tally.ts";
import {
  failedOn,
  IMAGE,
  NEXT_IMAGE,
  NOW,
  release,
  servingOn,
  sovereign,
} from "../../../support/builder/catalyst-object.ts";

/** The release at generation 4, after generation 3 named another image. */
function again(status: BillingRelease["status"] = {}): BillingRelease {
  const halt = { number: 1, reason: "Test", message: "zero failed", at: NOW, returns: true };
  const rollout = { image: NEXT_IMAGE, sinceGeneration: 4, stages: [], halt };
  const brel = release({ backwardCompatible: true }, { observedGeneration: 4, rollout, ...status });
  return { ...brel, metadata: { ...brel.metadata, generation: 4 } };
}
const leftIn = (generation: number, releaseUid = "uid-stable") => ({
  ...servingOn(NEXT_IMAGE),
  imageChange: { releaseUid, generation },
});

describe("the way back of a rollout", () => {
  it("changes no Sovereign that had the image before the rollout began", () => {
    const failed = {
      ...failedOn(NEXT_IMAGE, IMAGE),
      imageChange: { releaseUid: "uid-stable", generation: 4 },
    };
    const fleet = [
      sovereign("zero", { role: "CatalystZero" }, failed),
      sovereign("stayed", {}, leftIn(2)),
      sovereign("moved", {}, leftIn(9, "uid-other")),
    ];
    const tally = tallyOf(planOf(again()), fleet, Date.parse(NOW));
    expect(decideStep(again(), tally, Date.parse(NOW)).next).toEqual(["zero"]);
    expect([...tally.members.values()].map(({ name, state }) => [name, state])).toEqual([
      ["zero", "moving"],
      ["stayed", "verified"],
      ["moved", "verified"],
    ]);
  });

  it.each([
    ["left in this rollout", 4, leftIn(4).previousImage],
    ["left after a later change of the release", 6, leftIn(6).previousImage],
    ["left in an earlier rollout", 3, undefined],
  ])("judges a previous image that the Sovereign %s", (_which, generation, expected) => {
    expect(returnImageOf(sovereign("alpha", {}, leftIn(generation)), planOf(again()))).toBe(expected);
  });

  it("takes no previous image without a record of its rollout, unless the rollout has none either", () => {
    const { imageChange: _, ...status } = servingOn(NEXT_IMAGE);
    const own = sovereign("alpha", {}, status);
    expect(returnImageOf(own, planOf(again()))).toBeUndefined();
    const older = again({ rollout: { image: NEXT_IMAGE, stages: [] } });
    expect(returnImageOf(own, planOf(older))).toBe(status.previousImage);
  });
});

describe("rolloutStart", () => {
  it.each([
    ["the recorded one", again(), 4],
    [
      "the next one after another image",
      again({ observedGeneration: 3, rollout: { image: IMAGE, stages: [] } }),
      4,
    ],
    [
      "the present one after a failed reconcile",
      again({ observedGeneration: 4, rollout: { image: IMAGE, stages: [] } }),
      4,
    ],
    ["the first one without a status", release(), 1],
    [
      "unknown for a record of an older operator",
      again({ rollout: { image: NEXT_IMAGE, stages: [] } }),
      undefined,
    ],
  ])("is %s", (_which, brel, expected) => {
    expect(rolloutStart(brel)).toBe(expected);
  });
});

describe("departureOf", () => {
  it("records the image that the Sovereign leaves, and for which release", () => {
    expect(departureOf(servingOn(IMAGE), again(), NEXT_IMAGE)).toEqual({
      previousImage: IMAGE,
      imageChange: { releaseUid: "uid-stable", generation: 4 },
    });
  });

  it.each([
    ["has the image already", servingOn(NEXT_IMAGE)],
    ["was verified on no image", {}],
    ["was verified on this image last", { ...servingOn(NEXT_IMAGE), pinnedImage: IMAGE }],
  ])("records nothing for a Sovereign that %s", (_which, status) => {
    expect(departureOf(status, again(), NEXT_IMAGE)).toEqual({});
  });
});
