import { describe, expect, it } from "vitest";
import { compareWithReference } from "../../../../../src/controllers/sovereign/step/comparison.ts";
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

const IN_SYNC = {
  type: "InSync",
  status: "True",
  reason: "InSync",
  message: "every managed object is as the operator applied it",
};
const LATER = "2026-11-25T12:00:00.000Z";
const evidence = verifiedOn(IMAGE);
const onRelease = (status = measured(IMAGE)) => ({ releases: [release({}, status)] });

/** A Sovereign that was verified, and whose shape is now Unknown for this reason. */
const shapeUnknown = (reason: string) => ({
  ...verifiedOn(IMAGE),
  conditions: [{ ...condition("VoucherShapeVerified", "Unknown"), reason }],
});

describe("compareWithReference", () => {
  it("verifies a Sovereign whose fingerprints equal the reference", () => {
    const context = contextOf(sovereign("omantel"), onRelease());
    expect(compareWithReference(context, IMAGE, evidence)).toBeUndefined();
    expect(context.findings.conditions).toEqual([
      {
        type: "VoucherShapeVerified",
        status: "True",
        reason: "Verified",
        message: "the smoke test passed, and both fingerprints equal those of zero",
      },
      IN_SYNC,
    ]);
  });

  it("stalls a Sovereign whose fingerprint differs, and records an event", () => {
    const context = contextOf(sovereign("omantel"), onRelease());
    const apiFingerprint = `sha256:${"9".repeat(64)}`;
    const message =
      `the API fingerprint is ${apiFingerprint}, but the reference measured on zero is ${evidence.apiFingerprint}: ` +
      "check which images the billing Pods run";
    expect(compareWithReference(context, IMAGE, { ...evidence, apiFingerprint })).toEqual({
      kind: "stalled",
      reason: "ShapeDiffers",
      message,
    });
    expect(context.findings.requeueAfterMs).toBe(60_000);
    expect(context.findings.conditions).toEqual([
      { type: "VoucherShapeVerified", status: "False", reason: "ShapeDiffers", message },
      { type: "InSync", status: "False", reason: "ShapeDiffers", message },
    ]);
    expect(context.events).toEqual([{ type: "Warning", reason: "ShapeDiffers", message }]);

    const { conditions } = context.findings;
    const status = { conditions: conditions.map((each) => ({ ...each, lastTransitionTime: NOW })) };
    const again = contextOf(sovereign("omantel", {}, status), onRelease());
    compareWithReference(again, IMAGE, { ...evidence, apiFingerprint });
    expect(again.events).toEqual([]);
  });

  it.each([
    ["keeps the time of a verification that lasts", verifiedOn(IMAGE), NOW],
    [
      "keeps the time when a refused write kept the operator from looking",
      shapeUnknown("WriteForbidden"),
      NOW,
    ],
    ["starts the time again when no Pod was available", shapeUnknown("PodsRefused"), LATER],
    ["starts the time again when the namespace was deleted", shapeUnknown("NamespaceTerminating"), LATER],
    ["starts the time again when the shape differed before that", shapeUnknown("ShapeDiffers"), LATER],
    ["starts the time again after a break", { ...verifiedOn(IMAGE), conditions: [] }, LATER],
    ["starts the time again for another image", verifiedOn(NEXT_IMAGE), LATER],
  ])("%s", (_what, status, since) => {
    const context = contextOf(sovereign("omantel", {}, status), onRelease(), { now: () => new Date(LATER) });
    compareWithReference(context, IMAGE, evidence);
    expect(context.findings.facts.verified).toEqual({ image: IMAGE, since });
  });

  it("takes the reference of the image that runs, also while another is released", () => {
    const earlier = measured(IMAGE).reference;
    if (earlier === undefined) throw new Error("no reference");
    const status = { ...measured(NEXT_IMAGE), earlierReferences: [earlier] };
    const context = contextOf(sovereign("omantel"), onRelease(status));
    expect(compareWithReference(context, IMAGE, evidence)).toBeUndefined();
    expect(context.findings.conditions[0]).toMatchObject({ status: "True", reason: "Verified" });
  });

  it.each([
    ["a release without a reference", [release()]],
    ["a release that does not exist", []],
    ["the reference of another image", [release({}, measured(NEXT_IMAGE))]],
  ])("measures on Catalyst-Zero with %s", (_which, releases) => {
    const context = contextOf(sovereign("zero", { role: "CatalystZero" }), { releases });
    expect(compareWithReference(context, IMAGE, evidence)).toBeUndefined();
    expect(context.findings.conditions).toEqual([
      {
        type: "VoucherShapeVerified",
        status: "True",
        reason: "Measured",
        message: "the smoke test passed; the fingerprints measured here become the release's reference",
      },
      IN_SYNC,
    ]);
  });

  it("compares Catalyst-Zero too, once its release has a reference", () => {
    const context = contextOf(sovereign("zero", { role: "CatalystZero" }), onRelease());
    const other = { ...evidence, schemaFingerprint: `sha256:${"9".repeat(64)}` };
    expect(compareWithReference(context, IMAGE, other)).toMatchObject({ reason: "ShapeDiffers" });
  });

  it("makes other Sovereigns wait for the reference", () => {
    const context = contextOf(sovereign("omantel"), { releases: [release()] });
    const message =
      "the release has no reference yet: the operator measures it on Catalyst-Zero, once Catalyst-Zero runs this image";
    expect(compareWithReference(context, IMAGE, evidence)).toEqual({
      kind: "waiting",
      reason: "WaitingForReference",
      message,
      retryAfterMs: 60_000,
      isWatched: true,
    });
    expect(context.findings.conditions).toEqual([
      { type: "VoucherShapeVerified", status: "False", reason: "WaitingForReference", message },
    ]);
    expect(context.events).toEqual([]);
  });
});

describe("compareWithReference after a return to the previous image", () => {
  const schemaFingerprint = `sha256:${"7".repeat(64)}`;
  const newer = { ...evidence, schemaVersion: "0002", schemaFingerprint };
  const [earlier, reference] = [measured(IMAGE).reference, measured(NEXT_IMAGE).reference];
  if (earlier === undefined || reference === undefined) throw new Error("no reference");
  const releaseOf = (backwardCompatible: boolean, schema: string) =>
    release(
      { backwardCompatible },
      {
        reference: { ...reference, schemaVersion: "0002", schemaFingerprint: schema },
        earlierReferences: [earlier],
      },
    );

  it.each([
    ["verifies the newer schema by the newer reference", true, schemaFingerprint, undefined],
    ["finds a newer schema that differs", true, `sha256:${"8".repeat(64)}`, "ShapeDiffers"],
    ["accepts no newer schema without compatible migrations", false, schemaFingerprint, "ShapeDiffers"],
  ])("%s", (_what, isCompatible, schema, reason) => {
    const context = contextOf(sovereign("omantel"), { releases: [releaseOf(isCompatible, schema)] });
    expect(compareWithReference(context, IMAGE, newer)?.reason).toBe(reason);
  });

  it("compares the API with that of the image", () => {
    const context = contextOf(sovereign("omantel"), { releases: [releaseOf(true, schemaFingerprint)] });
    const other = { ...newer, apiFingerprint: `sha256:${"9".repeat(64)}` };
    expect(compareWithReference(context, IMAGE, other)?.reason).toBe("ShapeDiffers");
  });
});
