import { describe, expect, it } from "vitest";
import { pinImage } from "../../../../../src/controllers/sovereign/step/pin.ts";
import {
  condition,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  sovereign,
  verifiedOn,
} from "../../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";

const zero = (image: string, at = NOW) => sovereign("zero", { role: "CatalystZero" }, verifiedOn(image, at));
const NO_REFERENCE =
  "the release has no reference yet: the operator measures it on Catalyst-Zero, once Catalyst-Zero runs this image";

describe("pinImage", () => {
  it("pins the image of the release on a Sovereign that has none", () => {
    const own = sovereign("zero", { role: "CatalystZero" });
    const context = contextOf(own, { releases: [release()], sovereigns: [own] });
    expect(pinImage(context)).toEqual({ image: NEXT_IMAGE });
    expect(context.findings).toEqual({
      conditions: [{ type: "ImagePinned", status: "True", reason: "Pinned", message: NEXT_IMAGE }],
      facts: { pinnedImage: NEXT_IMAGE },
      stop: undefined,
    });
  });

  it("says that a Sovereign which changes its image is not verified on the new one", () => {
    const own = zero(IMAGE);
    const context = contextOf(own, { releases: [release()], sovereigns: [own] });
    expect(pinImage(context)).toEqual({ image: NEXT_IMAGE });
    expect(context.findings.conditions).toEqual([
      { type: "ImagePinned", status: "True", reason: "Pinned", message: NEXT_IMAGE },
      {
        type: "VoucherShapeVerified",
        status: "False",
        reason: "ImageChanged",
        message: "the new image is not verified yet: the smoke test runs after the rollout",
      },
    ]);
  });

  it.each([
    ["was stalled", { conditions: [condition("Stalled", "True")] }, NEXT_IMAGE],
    ["serves", {}, undefined],
  ])("records whether a Sovereign that takes an image %s", (_, change, expected) => {
    const own = sovereign("zero", { role: "CatalystZero" }, { ...verifiedOn(IMAGE), ...change });
    const context = contextOf(own, { releases: [release()], sovereigns: [own] });
    pinImage(context);
    expect(context.findings.facts.takenWhileFailing).toBe(expected);
  });

  it.each([
    ["changes its image", IMAGE, 0],
    ["has the image already", NEXT_IMAGE, undefined],
  ])(
    "counts the failed smoke tests of a Sovereign that %s for their own image only",
    (_which, image, failures) => {
      const test = { time: NOW, passed: false, failures: 3, steps: [] };
      const own = sovereign("zero", { role: "CatalystZero" }, { ...verifiedOn(image), lastSmokeTest: test });
      const context = contextOf(own, { releases: [release()], sovereigns: [own] });
      pinImage(context);
      expect(context.findings.facts.lastSmokeTest?.failures).toBe(failures);
    },
  );

  it("keeps the verification of a Sovereign that has the image already", () => {
    const own = zero(NEXT_IMAGE);
    const context = contextOf(own, { releases: [release()], sovereigns: [own] });
    expect(pinImage(context)).toEqual({ image: NEXT_IMAGE });
    expect(context.findings.conditions.map(({ type }) => type)).toEqual(["ImagePinned"]);
  });

  it.each([
    ["that runs nothing", undefined],
    ["that runs an image", verifiedOn(IMAGE)],
  ])("stops a Sovereign %s while its release does not exist", (_which, status) => {
    const context = contextOf(sovereign("omantel", {}, status));
    const message = "BillingRelease stable does not exist: apply it";
    expect(pinImage(context)).toEqual({
      stop: { kind: "waiting", reason: "ReleaseMissing", message, retryAfterMs: 60_000, isWatched: true },
    });
    expect(context.findings.conditions).toEqual([
      { type: "ImagePinned", status: "False", reason: "ReleaseMissing", message },
    ]);
    expect(context.findings.facts).toEqual({});
  });

  it("makes a Sovereign without an image wait until the rollout gives it one", () => {
    const own = sovereign("omantel");
    const context = contextOf(own, { releases: [release()], sovereigns: [zero(NEXT_IMAGE), own] });
    expect(pinImage(context)).toEqual({
      stop: {
        kind: "waiting",
        reason: "WaitingForReference",
        message: NO_REFERENCE,
        retryAfterMs: 60_000,
        isWatched: true,
      },
    });
    expect(context.findings.conditions).toEqual([
      { type: "ImagePinned", status: "False", reason: "WaitingForReference", message: NO_REFERENCE },
    ]);
  });

  it("stops a Sovereign without an image for exactly as long as the bake lasts", () => {
    const own = sovereign("omantel");
    const baking = release({ bake: "5m" }, measured(NEXT_IMAGE));
    const context = contextOf(own, { releases: [baking], sovereigns: [zero(NEXT_IMAGE), own] });
    expect(pinImage(context).stop).toMatchObject({ reason: "Baking", retryAfterMs: 300_000 });
  });

  it("keeps a Sovereign on its image until the rollout gives it another one", () => {
    const own = sovereign("omantel", {}, verifiedOn(IMAGE));
    const context = contextOf(own, { releases: [release()], sovereigns: [zero(NEXT_IMAGE), own] });
    expect(pinImage(context)).toEqual({ image: IMAGE });
    expect(context.findings).toEqual({
      conditions: [
        {
          type: "ImagePinned",
          status: "True",
          reason: "WaitingForReference",
          message: `${IMAGE} stays pinned: ${NO_REFERENCE}`,
        },
      ],
      facts: {},
      stop: undefined,
    });
    expect(context.findings).not.toHaveProperty("requeueAfterMs");
  });

  it("looks again when the bake is over", () => {
    const own = sovereign("omantel", {}, verifiedOn(IMAGE));
    const baking = release({ bake: "5m" }, measured(NEXT_IMAGE));
    const context = contextOf(own, { releases: [baking], sovereigns: [zero(NEXT_IMAGE), own] });
    expect(pinImage(context)).toEqual({ image: IMAGE });
    expect(context.findings.requeueAfterMs).toBe(300_000);
  });

  it("counts only the Sovereigns of the same release", () => {
    const own = sovereign("omantel", {}, verifiedOn(IMAGE));
    const { billing } = own.spec;
    const other = sovereign(
      "alpha",
      { billing: { ...billing, release: "edge" } },
      { pinnedImage: NEXT_IMAGE },
    );
    const sovereigns = [zero(NEXT_IMAGE), other, own];
    const context = contextOf(own, { releases: [release({}, measured(NEXT_IMAGE))], sovereigns });
    expect(pinImage(context)).toEqual({ image: NEXT_IMAGE });
  });
});
