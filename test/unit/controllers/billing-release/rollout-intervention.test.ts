import { describe, expect, it } from "vitest";
import {
  failedOn,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  regressedOn,
  release,
  servingOn,
  sovereign,
} from "../../../support/builder/catalyst-object.ts";
import { annotated, by, decide, stepOf, zero } from "../../../support/builder/rollout-decision.ts";

describe("an intervention in a rollout", () => {
  const first = sovereign("alpha", {}, servingOn(IMAGE));
  const failed = sovereign("beta", {}, failedOn(NEXT_IMAGE, IMAGE));
  const fleet = [zero(NEXT_IMAGE), first, failed];
  const ready = (spec = {}, status = {}) => release(spec, { ...measured(NEXT_IMAGE), ...status });

  it("pauses it for every image", () => {
    const paused = annotated(ready(), {
      "catalyst.openova.io/rollout-paused": by("amal", IMAGE.split("@")[1]),
    });
    expect(stepOf(paused, [zero(NEXT_IMAGE), first])).toMatchObject({
      phase: "Paused",
      next: [],
      wait: { message: "amal paused the rollout: run `catalyst rollout resume`" },
    });
  });

  it("skips a Sovereign that failed", () => {
    const skipped = annotated(ready(), { "skip.catalyst.openova.io/beta": by("amal") });
    expect(stepOf(skipped, fleet)).toMatchObject({ phase: "Progressing", next: ["alpha"] });
  });

  it("aborts it: no other update starts, and without compatible migrations no Sovereign returns", () => {
    const aborted = annotated(ready(), { "catalyst.openova.io/rollout-aborted": by("amal") });
    expect(stepOf(aborted, fleet)).toMatchObject({ phase: "Aborted", next: [] });
    expect(decide(failed, aborted, fleet)).toEqual({ kind: "update" });
  });

  it("sends Sovereigns back after an abort, the failed ones first, and the others in waves", () => {
    const aborted = annotated(ready({ backwardCompatible: true }), {
      "catalyst.openova.io/rollout-aborted": by("amal"),
    });
    const updated = (name: string) => sovereign(name, {}, { ...servingOn(NEXT_IMAGE), previousImage: IMAGE });
    const others = [zero(NEXT_IMAGE), failed, updated("gamma"), updated("delta")];
    expect(stepOf(aborted, others)).toMatchObject({ phase: "Aborted", next: ["beta"] });
    expect(decide(failed, aborted, others)).toEqual({ kind: "return" });
    const back = sovereign("beta", {}, servingOn(IMAGE));
    expect(stepOf(aborted, [zero(NEXT_IMAGE), back, updated("gamma"), updated("delta")]).next).toEqual([
      "delta",
    ]);
  });

  it("first sends back a Sovereign on which more requests fail", () => {
    const brel = release(
      { backwardCompatible: true },
      {
        ...measured(NEXT_IMAGE),
        rollout: {
          image: NEXT_IMAGE,
          stages: [],
          halt: { number: 1, reason: "ErrorRateRegressed", message: "42 of 500", at: NOW, returns: true },
        },
      },
    );
    const fleet = [
      zero(NEXT_IMAGE),
      sovereign("aaa", {}, servingOn(NEXT_IMAGE)),
      sovereign("bbb", {}, regressedOn(NEXT_IMAGE)),
    ];
    expect(stepOf(brel, fleet)).toMatchObject({ phase: "Halted", next: ["bbb"] });
  });

  it("goes back by itself after a halt that the status records, until a person resumes", () => {
    const halt = { number: 2, reason: "ShapeDiffers", message: "beta differs", at: NOW, returns: true };
    const rollout = { image: NEXT_IMAGE, stages: [], halt };
    const halted = ready({ backwardCompatible: true }, { rollout });
    expect(stepOf(halted, fleet)).toMatchObject({ phase: "Halted", next: ["beta"] });
    const back = [zero(NEXT_IMAGE), first, sovereign("beta", {}, servingOn(IMAGE))];
    expect(stepOf(halted, back)).toMatchObject({
      phase: "Halted",
      next: [],
      wait: {
        message:
          "beta differs; Sovereigns go back to their previous image: correct the cause, then run `catalyst rollout resume`",
      },
    });
    const resume = (value: string) =>
      stepOf(annotated(halted, { "catalyst.openova.io/rollout-resumed": value }), back).phase;
    expect(resume(by("amal"))).toBe("Halted");
    expect(resume(by("amal", undefined, 2))).toBe("Progressing");
    expect(resume(by("amal", undefined, 1_000_000))).toBe("Halted");
  });

  it("counts no halt of an earlier image", () => {
    const halt = { number: 1, reason: "ShapeDiffers", message: "", at: NOW, returns: true };
    const brel = ready({ backwardCompatible: true }, { rollout: { image: IMAGE, stages: [], halt } });
    expect(stepOf(brel, [zero(NEXT_IMAGE), first]).phase).toBe("Progressing");
  });
});
