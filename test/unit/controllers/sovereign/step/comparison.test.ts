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
    [
      "ends a time in the future, which a clock that was ahead wrote",
      verifiedOn(IMAGE, "2027-01-01T00:00:00.000Z"),
      LATER,
    ],
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
    const ownEvidence = verifiedOn(NEXT_IMAGE);
    const message =
      "the release has no reference yet: the operator measures it on Catalyst-Zero, once Catalyst-Zero runs this image";
    expect(compareWithReference(context, NEXT_IMAGE, ownEvidence)).toEqual({
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

describe("compareWithReference without a reference of the image in the Sovereign's release", () => {
  it("takes the reference of another release: the Sovereign moved, and waits for its turn", () => {
    const other = { ...release({}, measured(IMAGE)), metadata: { name: "earlier" } };
    const releases = [release({}, measured(NEXT_IMAGE)), other];
    const context = contextOf(sovereign("omantel"), { releases });
    expect(compareWithReference(context, IMAGE, evidence)).toBeUndefined();
    const differing = { ...evidence, apiFingerprint: `sha256:${"9".repeat(64)}` };
    expect(compareWithReference(context, IMAGE, differing)).toMatchObject({ reason: "ShapeDiffers" });
  });

  const other = `sha256:${"9".repeat(64)}`;
  it.each([
    ["verified while nothing changed", verifiedOn(IMAGE), evidence, undefined],
    ["not verified with another API", verifiedOn(IMAGE), { ...evidence, apiFingerprint: other }, "missing"],
    [
      "not verified with another schema",
      verifiedOn(IMAGE),
      { ...evidence, schemaFingerprint: other },
      "missing",
    ],
    ["not verified when it was not before", shapeUnknown("ShapeDiffers"), evidence, "missing"],
    ["not verified when another image was", verifiedOn(NEXT_IMAGE), evidence, "missing"],
  ])("is %s", (_what, status, found, missing) => {
    const context = contextOf(sovereign("omantel", {}, status), onRelease(measured(NEXT_IMAGE)));
    const message =
      "no release has a reference of this image, and it is measured only while Catalyst-Zero runs it: let the rollout give this Sovereign the release's image, or set spec.image of the release to this one";
    const stop = compareWithReference(context, IMAGE, found);
    if (missing === undefined) {
      expect(stop).toBeUndefined();
      expect(context.findings.facts.verified).toEqual({ image: IMAGE, since: NOW });
    } else expect(stop).toMatchObject({ kind: "waiting", reason: "ReferenceMissing", message });
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
    ["needs no other word than that of the reference", false, schemaFingerprint, undefined],
  ])("%s", (_what, isCompatible, schema, reason) => {
    const context = contextOf(sovereign("omantel"), { releases: [releaseOf(isCompatible, schema)] });
    expect(compareWithReference(context, IMAGE, newer)?.reason).toBe(reason);
    if (reason === undefined)
      expect(context.findings.conditions[0]?.message).toBe(
        "the smoke test passed, and the API fingerprint equals that of zero with this image, and the schema fingerprint that of zero with another image at version 0002",
      );
  });

  it.each([
    ["accepts one that was not measured, with compatible migrations", true, "0003", undefined],
    [
      "says how to go on with one that was not measured",
      false,
      "0003",
      "the schema is at version 0003, but the reference of this image was measured on zero at 0001, and no release has a reference of the newer version: set spec.image of the BillingRelease to an image of that version, or, if its migrations are backward compatible, set spec.rollout.backwardCompatible to true",
    ],
    [
      "says how to go on with an older one",
      true,
      "0000",
      "the schema is at version 0000, but the reference of this image was measured on zero at 0001, after a newer image had migrated it: set spec.image of the BillingRelease to an image of that version",
    ],
  ])("%s", (_what, isCompatible, schemaVersion, message) => {
    const context = contextOf(sovereign("omantel"), {
      releases: [releaseOf(isCompatible, schemaFingerprint)],
    });
    expect(compareWithReference(context, IMAGE, { ...newer, schemaVersion })?.message).toBe(message);
  });

  it("accepts on Catalyst-Zero a newer schema that was not measured", () => {
    const zero = sovereign("zero", { role: "CatalystZero" });
    const context = contextOf(zero, { releases: [releaseOf(false, schemaFingerprint)] });
    expect(compareWithReference(context, IMAGE, { ...newer, schemaVersion: "0003" })).toBeUndefined();
    expect(context.findings.conditions[0]?.message).toBe(
      "the smoke test passed, and the API fingerprint equals that of zero; only the API was compared, because no release has a reference of schema version 0003",
    );
  });

  it("compares the API with that of the image", () => {
    const context = contextOf(sovereign("omantel"), { releases: [releaseOf(true, schemaFingerprint)] });
    const other = { ...newer, apiFingerprint: `sha256:${"9".repeat(64)}` };
    expect(compareWithReference(context, IMAGE, other)?.reason).toBe("ShapeDiffers");
  });
});
