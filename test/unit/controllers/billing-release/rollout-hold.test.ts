import { describe, expect, it } from "vitest";
import {
  IMAGE,
  measured,
  NEXT_IMAGE,
  release,
  servingOn,
  sovereign,
  updatingTo,
} from "../../../support/builder/catalyst-object.ts";
import { decide, nowMs, stepOf, zero } from "../../../support/builder/rollout-decision.ts";

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

  it("does not stop an update that has started", () => {
    const updating = sovereign("alpha", hold("2026-11-24T13:00:00Z"), updatingTo(NEXT_IMAGE, IMAGE));
    expect(decide(updating, ready, [zero(NEXT_IMAGE), updating])).toEqual({ kind: "update" });
  });
});
