import { describe, expect, it } from "vitest";
import { referencesIn } from "../../../../src/controllers/billing-release/desired-rollout.ts";
import { maxUnavailableOf } from "../../../../src/controllers/billing-release/desired-stage.ts";
import {
  condition,
  failedOn,
  IMAGE,
  measured,
  NEXT_IMAGE,
  release,
  servingOn,
  sovereign,
  updatingTo,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";
import { decide, nowMs, reasonOf, stepOf, zero } from "../../../support/builder/rollout-decision.ts";

describe("decideMember", () => {
  const first = sovereign("alpha", {}, servingOn(IMAGE));
  const second = sovereign("beta", {}, servingOn(IMAGE));
  const ready = release({}, measured(NEXT_IMAGE));

  it("updates Catalyst-Zero at once", () => {
    const own = zero(IMAGE);
    expect(decide(own, release(), [own, first])).toEqual({ kind: "update" });
  });

  it("updates Catalyst-Zero together with the named canaries, and the others later", () => {
    const brel = release({ canaries: ["beta"] });
    const fleet = [zero(IMAGE), first, second];
    expect(decide(zero(IMAGE), brel, fleet)).toEqual({ kind: "update" });
    expect(decide(second, brel, fleet)).toEqual({ kind: "update" });
    expect(reasonOf(decide(first, brel, fleet))).toBe("WaitingForCanary");
  });

  it("neither waits for a second CatalystZero nor counts a Sovereign on an unreachable cluster in a wave", () => {
    const stalled = { ...condition("Stalled", "True"), reason: "SecondCatalystZero" };
    const duplicate = sovereign("aaa-zero", { role: "CatalystZero" }, { conditions: [stalled] });
    const away = {
      ...condition("ClusterReachable", "False"),
      reason: "ClusterUnreachable",
      message: "it is away",
    };
    const elsewhere = sovereign(
      "aab",
      {},
      { ...servingOn(IMAGE), conditions: [condition("VoucherShapeVerified", "Unknown"), away] },
    );
    const fleet = [zero(NEXT_IMAGE), duplicate, elsewhere, first, second];
    expect(stepOf(ready, fleet)).toMatchObject({ phase: "Progressing", next: ["alpha"] });
    expect(decide(first, ready, fleet)).toEqual({ kind: "update" });
    expect(decide(elsewhere, ready, fleet)).toEqual({
      ...{ kind: "wait", reason: "ClusterUnreachable", message: "it is away" },
    });
  });

  it("stays halted when the Sovereign that failed on the image cannot be reached", () => {
    const away = { ...condition("ClusterReachable", "False"), reason: "ClusterUnreachable" };
    const failed = sovereign(
      "aab",
      {},
      {
        ...updatingTo(NEXT_IMAGE, IMAGE),
        cluster: { uid: "u", stalledOn: NEXT_IMAGE },
        conditions: [condition("VoucherShapeVerified", "Unknown"), away],
      },
    );
    expect(stepOf(ready, [zero(NEXT_IMAGE), failed, first])).toMatchObject({ phase: "Halted", next: [] });
  });

  it.each<[string, string, Parameters<typeof sovereign>[1]]>([
    ["ReadyDeadlineExceeded", "Catalyst-Zero", { role: "CatalystZero" }],
    ["ReadyDeadlineExceeded", "another Sovereign", {}],
    ["WriteFailed", "Catalyst-Zero", { role: "CatalystZero" }],
    ["WriteFailed", "another Sovereign", {}],
  ])("still installs when %s stalls %s without an image", (reason, _which, spec) => {
    const stalled = { ...condition("Stalled", "True"), reason };
    const own = sovereign("late", spec, { conditions: [stalled] });
    const fleet = spec?.role === undefined ? [zero(NEXT_IMAGE), own] : [own];
    expect(decide(own, ready, fleet)).toEqual({ kind: "update" });
  });

  it("names the next wave while the bake still lasts", () => {
    const fleet = [zero(NEXT_IMAGE), first, second];
    const brel = release({ bake: "5m", maxUnavailable: 5 }, measured(NEXT_IMAGE));
    expect(stepOf(brel, fleet)).toMatchObject({
      next: ["alpha", "beta"],
      wait: { reason: "Baking", retryAfterMs: 300_000 },
    });
  });

  it.each([
    ["WaitingForCanary", release(), zero(IMAGE)],
    ["WaitingForReference", release(), zero(NEXT_IMAGE)],
    ["update", release({}, measured(NEXT_IMAGE)), zero(NEXT_IMAGE)],
    ["Baking", release({ bake: "5m" }, measured(NEXT_IMAGE)), zero(NEXT_IMAGE)],
  ])("makes the other Sovereigns wait: %s", (reason, brel, canary) => {
    expect(reasonOf(decide(first, brel, [canary, first]))).toBe(reason);
  });

  it("updates at most maxUnavailable Sovereigns at once, in the order of their names", () => {
    const fleet = [zero(NEXT_IMAGE), second, first];
    expect(reasonOf(decide(first, ready, fleet))).toBe("update");
    expect(reasonOf(decide(second, ready, fleet))).toBe("WaitingForWave");
    const updating = sovereign("alpha", {}, updatingTo(NEXT_IMAGE, IMAGE));
    expect(reasonOf(decide(second, ready, [zero(NEXT_IMAGE), updating, second]))).toBe("WaitingForWave");
  });

  it("lets a Sovereign without an image install outside the wave, and does not count it", () => {
    const installing = sovereign("aaa", {}, { pinnedImage: NEXT_IMAGE });
    const fresh = sovereign("zzz");
    const fleet = [zero(NEXT_IMAGE), installing, first, second, fresh];
    expect(decide(fresh, ready, fleet)).toEqual({ kind: "update" });
    expect(decide(first, ready, fleet)).toEqual({ kind: "update" });
    expect(reasonOf(decide(second, ready, fleet))).toBe("WaitingForWave");
  });

  it("starts no canary after another canary failed", () => {
    const failed = sovereign("zero", { role: "CatalystZero" }, failedOn(NEXT_IMAGE, IMAGE));
    const brel = release({ canaries: ["beta"] });
    expect(reasonOf(decide(second, brel, [failed, second]))).toBe("RolloutHalted");
  });

  it("waits for the rest of the bake", () => {
    const brel = release({ bake: "5m" }, measured(NEXT_IMAGE));
    expect(decide(first, brel, [zero(NEXT_IMAGE), first], nowMs + 60_000)).toMatchObject({
      retryAfterMs: 240_000,
    });
    expect(decide(first, brel, [zero(NEXT_IMAGE), first], nowMs + 300_000)).toEqual({ kind: "update" });
  });

  it("skips a suspended Sovereign", () => {
    const suspended = sovereign("alpha", { suspend: true }, servingOn(IMAGE));
    expect(reasonOf(decide(second, ready, [zero(NEXT_IMAGE), suspended, second]))).toBe("update");
  });

  it("uses the image that was verified, and not a condition that is True for an earlier image", () => {
    const { conditions = [] } = verifiedOn(IMAGE);
    const stale = sovereign("alpha", {}, { ...updatingTo(NEXT_IMAGE, IMAGE), conditions });
    const fleet = [zero(NEXT_IMAGE), stale, second];
    expect(reasonOf(decide(second, ready, fleet))).toBe("WaitingForWave");
  });

  it("starts a newer release in the middle of a rollout, also on Sovereigns that the earlier one broke", () => {
    const broken = sovereign("alpha", {}, updatingTo(`${IMAGE.slice(0, -1)}c`, IMAGE));
    const stalled = sovereign("aaa", {}, failedOn(`${IMAGE.slice(0, -1)}c`, IMAGE));
    const fleet = [zero(NEXT_IMAGE), broken, stalled, second];
    expect(stepOf(ready, fleet)).toMatchObject({ next: ["alpha", "aaa"] });
    expect(reasonOf(decide(second, ready, fleet))).toBe("WaitingForWave");
    expect(stepOf(release(), [zero(IMAGE), broken])).toMatchObject({ phase: "Canary", next: ["zero"] });
  });
});

describe("maxUnavailableOf", () => {
  it.each([
    [1, 10, 1],
    ["25%", 10, 2],
    ["1%", 10, 1],
    [0, 10, 1],
  ])("takes maxUnavailable %s of %d Sovereigns as %d", (value, fleet, count) =>
    expect(maxUnavailableOf(value, fleet)).toBe(count),
  );
});

describe("referencesIn", () => {
  it("lists the present reference first", () => {
    const earlier = measured(IMAGE).reference;
    if (earlier === undefined) throw new Error("no reference");
    const brel = release({}, { ...measured(NEXT_IMAGE), earlierReferences: [earlier] });
    expect(referencesIn(brel).map(({ image }) => image)).toEqual([NEXT_IMAGE, IMAGE]);
    expect(referencesIn(release())).toEqual([]);
  });
});
