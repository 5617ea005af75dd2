import { describe, expect, it } from "vitest";
import {
  failedOn,
  IMAGE,
  measured,
  NEXT_IMAGE,
  release,
  servingOn,
  sovereign,
  updatingTo,
} from "../../../support/builder/catalyst-object.ts";
import { annotated, by, decide, nowMs, stepOf, zero } from "../../../support/builder/rollout-decision.ts";

describe("a hold of a Sovereign", () => {
  const hold = (until: string) => ({
    billing: { ...sovereign("x").spec.billing, hold: { reason: "Ramadan freeze", until } },
  });
  const held = sovereign("alpha", hold("2026-11-24T13:00:00Z"), servingOn(IMAGE));
  const ready = release({}, measured(NEXT_IMAGE));
  const fleet = [zero(NEXT_IMAGE), held, sovereign("beta", {}, servingOn(IMAGE))];

  it("keeps the Sovereign on its image, gives the reason and the end, and delays no other", () => {
    expect(decide(held, ready, fleet)).toEqual({
      kind: "wait",
      reason: "Held",
      message: "Ramadan freeze",
      retryAfterMs: 3_600_000,
    });
    expect(stepOf(ready, fleet).next).toEqual(["beta"]);
  });

  it("ends at its time", () => {
    expect(decide(held, ready, fleet, nowMs + 3_600_000)).toEqual({ kind: "update" });
  });

  it("does not keep the release from being complete", () => {
    expect(stepOf(ready, [zero(NEXT_IMAGE), held]).phase).toBe("Complete");
    expect(stepOf(ready, [zero(NEXT_IMAGE), held], nowMs + 3_600_000).phase).toBe("Progressing");
  });

  it("keeps a Sovereign that serves on its image while the others go back, and no failed one", () => {
    const returning = annotated(release({ backwardCompatible: true }, measured(NEXT_IMAGE)), {
      "catalyst.openova.io/rollout-aborted": by("amal"),
    });
    const spec = hold("2026-11-24T13:00:00Z");
    const serving = sovereign("alpha", spec, { ...servingOn(NEXT_IMAGE), previousImage: IMAGE });
    expect(decide(serving, returning, [zero(NEXT_IMAGE), serving])).toMatchObject({
      kind: "wait",
      reason: "Held",
      retryAfterMs: 3_600_000,
    });
    expect(decide(serving, returning, [zero(NEXT_IMAGE), serving], nowMs + 3_600_000)).toEqual({
      kind: "return",
    });
    const failed = sovereign("alpha", spec, failedOn(NEXT_IMAGE, IMAGE));
    expect(decide(failed, returning, [zero(NEXT_IMAGE), failed])).toEqual({ kind: "return" });
  });

  it("does not stop an update that has started", () => {
    const updating = sovereign("alpha", hold("2026-11-24T13:00:00Z"), updatingTo(NEXT_IMAGE, IMAGE));
    expect(decide(updating, ready, [zero(NEXT_IMAGE), updating])).toEqual({ kind: "update" });
  });
});
