import { describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../../src/api/billing-release.ts";
import {
  decideRollout,
  maxUnavailableOf,
  nextWave,
  referenceOf,
} from "../../../../src/controllers/billing-release/desired-rollout.ts";
import { desiredStatus } from "../../../../src/controllers/billing-release/status.ts";
import {
  condition,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";

const zero = (image: string) => sovereign("zero", { role: "CatalystZero" }, verifiedOn(image));
const nowMs = Date.parse(NOW);
const reasonOf = (decision: ReturnType<typeof decideRollout>) =>
  decision.kind === "update" ? "now" : decision.reason;

describe("decideRollout", () => {
  const first = sovereign("alpha", {}, verifiedOn(IMAGE));
  const second = sovereign("beta", {}, verifiedOn(IMAGE));

  it("updates Catalyst-Zero at once", () => {
    const own = zero(IMAGE);
    expect(decideRollout(own, release(), [own, first], nowMs)).toEqual({ kind: "update" });
  });

  it("updates Catalyst-Zero together with the named canaries, and the others later", () => {
    const brel = release({ canaries: ["beta"] });
    const fleet = [zero(IMAGE), first, second];
    expect(decideRollout(zero(IMAGE), brel, fleet, nowMs)).toEqual({ kind: "update" });
    expect(decideRollout(second, brel, fleet, nowMs)).toEqual({ kind: "update" });
    expect(reasonOf(decideRollout(first, brel, fleet, nowMs))).toBe("WaitingForCanary");
  });

  it("neither waits for a second CatalystZero nor counts a Sovereign of another cluster in a wave", () => {
    const refused = { pinnedImage: undefined, conditions: [condition("Stalled", "True")] };
    const duplicate = sovereign("aaa-zero", { role: "CatalystZero" }, refused as never);
    const elsewhere = sovereign("aab", { cluster: { kubeconfigSecretRef: { name: "k", key: "value" } } });
    const fleet = [zero(NEXT_IMAGE), duplicate, elsewhere, first, second];
    expect(nextWave(release({}, measured(NEXT_IMAGE)), fleet, nowMs)).toEqual({
      names: ["alpha"],
      wait: undefined,
    });
  });

  it("names the next wave while the bake still lasts", () => {
    const fleet = [zero(NEXT_IMAGE), first, second];
    const brel = release({ bake: "5m", maxUnavailable: 5 }, measured(NEXT_IMAGE));
    expect(nextWave(brel, fleet, nowMs)).toMatchObject({
      names: ["alpha", "beta"],
      wait: { reason: "Baking", retryAfterMs: 300_000 },
    });
  });

  it.each([
    ["WaitingForCanary", release(), zero(IMAGE)],
    ["WaitingForReference", release(), zero(NEXT_IMAGE)],
    ["now", release({}, measured(NEXT_IMAGE)), zero(NEXT_IMAGE)],
    ["Baking", release({ bake: "5m" }, measured(NEXT_IMAGE)), zero(NEXT_IMAGE)],
  ])("makes the other Sovereigns wait: %s", (reason, brel, canary) => {
    expect(reasonOf(decideRollout(first, brel, [canary, first], nowMs))).toBe(reason);
  });

  it("updates at most maxUnavailable Sovereigns at once, in the order of their names", () => {
    const brel = release({}, measured(NEXT_IMAGE));
    const fleet = [zero(NEXT_IMAGE), second, first];
    expect(reasonOf(decideRollout(first, brel, fleet, nowMs))).toBe("now");
    expect(reasonOf(decideRollout(second, brel, fleet, nowMs))).toBe("WaitingForWave");
    const updating = sovereign(
      "alpha",
      {},
      {
        pinnedImage: NEXT_IMAGE,
        verifiedImage: IMAGE,
        conditions: [condition("VoucherShapeVerified", "False")],
      },
    );
    expect(reasonOf(decideRollout(second, brel, [zero(NEXT_IMAGE), updating, second], nowMs))).toBe(
      "WaitingForWave",
    );
  });

  it("halts after a failure, unless haltOnFailure is false", () => {
    const failed = sovereign(
      "alpha",
      {},
      { pinnedImage: NEXT_IMAGE, verifiedImage: IMAGE, conditions: [condition("Stalled", "True")] },
    );
    const fleet = [zero(NEXT_IMAGE), failed, second];
    expect(reasonOf(decideRollout(second, release({}, measured(NEXT_IMAGE)), fleet, nowMs))).toBe(
      "RolloutHalted",
    );
    const goesOn = release({ haltOnFailure: false, maxUnavailable: 2 }, measured(NEXT_IMAGE));
    expect(reasonOf(decideRollout(second, goesOn, fleet, nowMs))).toBe("now");
  });

  it("counts only Sovereigns that served before against maxUnavailable, and lets first installs start at once", () => {
    const brel = release({}, measured(NEXT_IMAGE));
    const waiting = sovereign("aa-new", {}, { pinnedImage: NEXT_IMAGE });
    const fleet = [zero(NEXT_IMAGE), waiting, sovereign("zz-new"), first, second, sovereign("ab-new")];
    expect(nextWave(brel, fleet, nowMs).names).toEqual(["ab-new", "zz-new", "alpha"]);
  });

  it.each<[string, Partial<BillingRelease["spec"]["rollout"]>, object[], string]>([
    ["does not halt for a first install that fails", {}, [], "now"],
    ["halts for a canary's first install that fails", { canaries: ["aa-new"] }, [], "WaitingForCanary"],
    [
      "halts for a first install with another shape",
      {},
      [{ ...condition("VoucherShapeVerified", "False"), reason: "ShapeDiffers" }],
      "RolloutHalted",
    ],
  ])("%s", (_, rollout, conditions, decision) => {
    const brel = release(rollout, measured(NEXT_IMAGE));
    const failed = sovereign(
      "aa-new",
      {},
      { pinnedImage: NEXT_IMAGE, conditions: [condition("Stalled", "True"), ...conditions] as never },
    );
    expect(reasonOf(decideRollout(first, brel, [zero(NEXT_IMAGE), failed, first], nowMs))).toBe(decision);
    const { phase } = desiredStatus(brel, [zero(NEXT_IMAGE), failed, first], NOW);
    expect(phase).toBe(decision === "now" ? "Progressing" : "Halted");
  });

  it("waits for the rest of the bake", () => {
    const brel = release({ bake: "5m" }, measured(NEXT_IMAGE));
    expect(decideRollout(first, brel, [zero(NEXT_IMAGE), first], nowMs + 60_000)).toMatchObject({
      retryAfterMs: 240_000,
    });
    expect(decideRollout(first, brel, [zero(NEXT_IMAGE), first], nowMs + 300_000)).toEqual({
      kind: "update",
    });
  });

  it("skips a suspended Sovereign", () => {
    const suspended = sovereign("alpha", { suspend: true }, verifiedOn(IMAGE));
    const brel = release({}, measured(NEXT_IMAGE));
    expect(reasonOf(decideRollout(second, brel, [zero(NEXT_IMAGE), suspended, second], nowMs))).toBe("now");
  });
});

describe("the status of a BillingRelease", () => {
  it.each([
    [1, 10, 1],
    ["25%", 10, 2],
    ["1%", 10, 1],
    [0, 10, 1],
  ])("takes maxUnavailable %s of %d Sovereigns as %d", (value, fleet, count) =>
    expect(maxUnavailableOf(value, fleet)).toBe(count),
  );

  it("takes its reference only from Catalyst-Zero, and keeps it", () => {
    const status = desiredStatus(
      release(),
      [zero(NEXT_IMAGE), sovereign("alpha", {}, verifiedOn(IMAGE))],
      NOW,
    );
    expect(status).toMatchObject({
      phase: "Progressing",
      sovereigns: 2,
      updated: 1,
      verified: 1,
      reference: { measuredOn: "zero", image: NEXT_IMAGE },
    });
    const later = desiredStatus({ ...release(), status }, [zero(NEXT_IMAGE)], "2027-01-01T00:00:00Z");
    expect(later.reference).toEqual(status.reference);
    expect(later.phase).toBe("Complete");
  });

  it("keeps the measured reference of an image while a Sovereign still runs it", () => {
    const before = release({}, { ...measured(IMAGE) });
    const status = desiredStatus(before, [zero(NEXT_IMAGE), sovereign("alpha", {}, verifiedOn(IMAGE))], NOW);
    expect(status.reference?.image).toBe(NEXT_IMAGE);
    expect(status.earlierReferences).toEqual([measured(IMAGE).reference]);
    const during = { ...before, status };
    expect(referenceOf(during, IMAGE)).toEqual(measured(IMAGE).reference);
    expect(referenceOf(during, NEXT_IMAGE)?.measuredAt).toBe(NOW);
    const after = desiredStatus(
      during,
      [zero(NEXT_IMAGE), sovereign("alpha", {}, verifiedOn(NEXT_IMAGE))],
      NOW,
    );
    expect(after.earlierReferences).toBeUndefined();
  });

  it.each([
    ["Pending", [], undefined],
    ["Canary", [zero(IMAGE)], "Reconciling"],
    ["Progressing", [zero(NEXT_IMAGE), sovereign("alpha", {}, verifiedOn(IMAGE))], "Reconciling"],
    [
      "Halted",
      [
        zero(NEXT_IMAGE),
        sovereign(
          "alpha",
          {},
          { pinnedImage: NEXT_IMAGE, verifiedImage: IMAGE, conditions: [condition("Stalled", "True")] },
        ),
      ],
      "Stalled",
    ],
    ["Complete", [zero(NEXT_IMAGE)], undefined],
  ])("reports the phase %s in the conditions of kstatus", (phase, fleet, progress) => {
    const previous = { conditions: [condition("Stalled", "True"), condition("Reconciling", "True")] };
    const status = desiredStatus(release({}, previous), fleet, NOW);
    expect(status.phase).toBe(phase);
    const types = status.conditions?.map(({ type }) => type);
    expect(types).toEqual(["Ready", ...(progress === undefined ? [] : [progress])]);
  });

  it("is Baking while the last wave bakes", () => {
    const fleet = [zero(NEXT_IMAGE), sovereign("alpha", {}, verifiedOn(IMAGE))];
    const brel = release({ bake: "5m" }, measured(NEXT_IMAGE));
    const at = (ms: number) => desiredStatus(brel, fleet, new Date(nowMs + ms).toISOString()).phase;
    expect([at(0), at(299_999), at(300_000)]).toEqual(["Baking", "Baking", "Progressing"]);
  });

  it("takes no reference from a Sovereign whose smoke test failed", () => {
    const failed = zero(NEXT_IMAGE);
    const status = { ...failed.status, lastSmokeTest: { time: NOW, passed: false, steps: [] } };
    expect(desiredStatus(release(), [{ ...failed, status }], NOW).reference).toBeUndefined();
  });
});
