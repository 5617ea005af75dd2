import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../../src/api/billing-release.ts";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { planOf } from "../../../../src/controllers/billing-release/desired-member.ts";
import { tallyOf } from "../../../../src/controllers/billing-release/desired-tally.ts";
import {
  condition,
  failedOn,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  servingOn,
  sovereign,
  updatingTo,
} from "../../../support/builder/catalyst-object.ts";
import { connectFleet } from "../../../support/builder/connected-fleet.ts";

const zero = sovereign("zero", { role: "CatalystZero" }, servingOn(NEXT_IMAGE));
const onRelease = (own: Sovereign, name: string): Sovereign => ({
  ...own,
  spec: { ...own.spec, billing: { ...own.spec.billing, release: name } },
});

const ready = (spec = {}) => release(spec, measured(NEXT_IMAGE));
const alpha = sovereign("alpha", {}, servingOn(IMAGE));
const beta = sovereign("beta", {}, servingOn(IMAGE));

describe("the watch of a fleet", () => {
  it.each<[string, Sovereign]>([
    ["is verified", sovereign("aaa", {}, updatingTo(NEXT_IMAGE, IMAGE))],
    ["is no longer stalled", sovereign("aaa", {}, failedOn(NEXT_IMAGE, IMAGE))],
    ["is suspended", sovereign("aaa", {}, servingOn(IMAGE))],
  ])("enqueues the next wave when another Sovereign %s", (what, previous) => {
    const { enqueued, put } = connectFleet([zero, previous, alpha], [ready()]);
    put(
      what === "is suspended"
        ? { ...previous, spec: { ...previous.spec, suspend: true } }
        : sovereign("aaa", {}, servingOn(NEXT_IMAGE)),
    );
    expect(enqueued).toEqual([["alpha", undefined]]);
  });

  it.each<[string, (fleet: ReturnType<typeof connectFleet>) => void]>([
    ["is deleted", ({ remove }) => remove("aaa")],
    ["moves to another release", ({ put }) => put(onRelease(sovereign("aaa", {}, servingOn(IMAGE)), "edge"))],
  ])("enqueues the next wave when a Sovereign of the wave %s", (_what, change) => {
    const fleet = connectFleet([zero, sovereign("aaa", {}, updatingTo(NEXT_IMAGE, IMAGE)), alpha], [ready()]);
    change(fleet);
    expect(fleet.enqueued).toEqual([["alpha", undefined]]);
  });

  it("enqueues each Sovereign once for a step, however many events there are", () => {
    const { enqueued, put } = connectFleet(
      [zero, sovereign("aaa", {}, updatingTo(NEXT_IMAGE, IMAGE)), alpha],
      [ready()],
    );
    for (const name of ["x", "y", "z"]) put(sovereign(name, {}, servingOn(IMAGE)));
    expect(enqueued).toEqual([]);
    put(sovereign("aaa", {}, servingOn(NEXT_IMAGE)));
    put(sovereign("x", { suspend: true }, servingOn(IMAGE)));
    put(sovereign("aaa", {}, { ...servingOn(NEXT_IMAGE), url: "http://new" }));
    expect(enqueued).toEqual([["alpha", undefined]]);
  });

  it("enqueues a Sovereign again when a halt that took its place is over", () => {
    const failing = sovereign("aaa", {}, servingOn(NEXT_IMAGE));
    const { enqueued, put } = connectFleet([zero, failing, alpha], [ready()]);
    put(sovereign("aaa", {}, failedOn(NEXT_IMAGE, IMAGE)));
    expect(enqueued.splice(0)).toEqual([]);
    put(failing);
    expect(enqueued.splice(0)).toEqual([["alpha", undefined]]);
    put(sovereign("aaa", {}, failedOn(NEXT_IMAGE, IMAGE)));
    put(failing);
    expect(enqueued).toEqual([["alpha", undefined]]);
  });

  it("enqueues the wave for the end of the bake", () => {
    const fleet = connectFleet(
      [zero, sovereign("aaa", {}, updatingTo(NEXT_IMAGE, IMAGE)), alpha, beta],
      [ready({ bake: "5m", maxUnavailable: 2 })],
    );
    fleet.put(sovereign("aaa", {}, servingOn(NEXT_IMAGE)));
    expect(fleet.enqueued).toEqual([
      ["alpha", 300_000],
      ["beta", 300_000],
    ]);
  });

  it("enqueues nothing for a release that does not exist", () => {
    const { enqueued, put } = connectFleet([zero, alpha], []);
    put(sovereign("aaa", {}, servingOn(NEXT_IMAGE)));
    expect(enqueued).toEqual([]);
  });

  it("enqueues the Sovereigns that ran no image yet when the canaries are verified", () => {
    const canary = sovereign("zero", { role: "CatalystZero" }, updatingTo(NEXT_IMAGE, IMAGE));
    const { enqueued, put } = connectFleet([canary, sovereign("new")], [ready()]);
    put(zero);
    expect(enqueued).toEqual([["new", 0]]);
  });

  it.each<"Found" | "Unknown">(["Found", "Unknown"])(
    "enqueues the canaries when the answer of the registry is %s",
    (result) => {
      const canary = sovereign("zero", { role: "CatalystZero" }, servingOn(IMAGE));
      const imageCheck = { image: NEXT_IMAGE, result: "NotFound" as const };
      const brel = release({}, { ...measured(IMAGE), imageCheck });
      const { enqueued, apply } = connectFleet([canary, alpha], [brel]);
      apply({ ...brel, status: { ...brel.status, imageCheck: { ...imageCheck, result } } });
      expect(enqueued).toEqual([["zero", undefined]]);
    },
  );

  it("enqueues a Sovereign that ran no image yet when it is no longer refused", () => {
    const refused = sovereign(
      "new",
      {},
      {
        conditions: [{ ...condition("Stalled", "True"), reason: "FqdnTaken" }],
      },
    );
    const { enqueued, put } = connectFleet([zero, refused], [ready()]);
    put(sovereign("aaa", {}, servingOn(IMAGE)));
    enqueued.splice(0);
    put(sovereign("new", {}, { conditions: [] }));
    expect(enqueued).toEqual([["new", 0]]);
  });

  it("enqueues the next wave when the release is approved", () => {
    const brel = ready({ stages: [{ name: "one", sovereigns: ["alpha"], approval: true }] });
    const { enqueued, apply } = connectFleet([zero, alpha], [brel]);
    const annotations = { "approve.catalyst.openova.io/one": `amal@${NEXT_IMAGE.split("@")[1]}#1` };
    apply({ ...brel, metadata: { ...brel.metadata, annotations } });
    expect(enqueued).toEqual([["alpha", undefined]]);
  });
});

describe("the decisions of a fleet", () => {
  it("give a place away once, also before the status of the first Sovereign says so", () => {
    const { fleets, put } = connectFleet([zero, alpha, beta], [ready()]);
    const of = (own: Sovereign) => fleets.decide(own, ready()).kind;
    expect([of(alpha), of(beta), of(alpha)]).toEqual(["update", "wait", "update"]);
    put(sovereign("aaa", {}, servingOn(IMAGE)));
    expect(of(sovereign("aaa", {}, servingOn(IMAGE)))).toBe("wait");
    put(sovereign("alpha", {}, servingOn(NEXT_IMAGE)));
    expect(of(sovereign("aaa", {}, servingOn(IMAGE)))).toBe("update");
  });

  it("keep a Sovereign on the new image when the cache receives a newer status than its reconcile began with", () => {
    const at = (resourceVersion: string, own: Sovereign): Sovereign => ({
      ...own,
      metadata: { ...own.metadata, resourceVersion },
    });
    const before = at("1", alpha);
    const { fleets, put } = connectFleet([zero, before], [ready()]);
    expect(fleets.decide(before, ready()).kind).toBe("update");
    // The answer to this write was lost, so the next reconcile begins with the earlier status.
    put(at("2", sovereign("alpha", {}, updatingTo(NEXT_IMAGE, IMAGE))));
    expect(fleets.decide(before, ready()).kind).toBe("update");
  });

  it("take a place back when its Sovereign is suspended before it updates", () => {
    const { fleets, put } = connectFleet([zero, alpha, beta], [ready()]);
    expect(fleets.decide(alpha, ready()).kind).toBe("update");
    put({ ...alpha, spec: { ...alpha.spec, suspend: true } });
    expect(fleets.decide(beta, ready()).kind).toBe("update");
  });

  it.each<[string, (fleet: ReturnType<typeof connectFleet>) => [BillingRelease, () => void]]>([
    [
      "a pause",
      ({ apply }) => {
        const annotations = {
          "catalyst.openova.io/rollout-paused": `amal@${NEXT_IMAGE.split("@")[1]}`,
        };
        const paused = { ...ready(), metadata: { ...ready().metadata, annotations } };
        apply(paused);
        return [paused, () => apply(ready())];
      },
    ],
    [
      "a halt",
      ({ put }) => {
        put(sovereign("zero", { role: "CatalystZero" }, failedOn(NEXT_IMAGE, IMAGE)));
        return [ready(), () => put(zero)];
      },
    ],
  ])("take a place back that %s came before, and give it again afterwards", (_what, stopRollout) => {
    const fleet = connectFleet([zero, alpha, beta], [ready()]);
    expect(fleet.fleets.decide(alpha, ready()).kind).toBe("update");
    // The write of its status fails here, so the reconcile runs again.
    const [stopped, goOn] = stopRollout(fleet);
    expect(fleet.fleets.decide(alpha, stopped).kind).toBe("wait");
    fleet.enqueued.length = 0;
    goOn();
    expect(fleet.enqueued).toEqual([["alpha", undefined]]);
  });

  it("keep the place of a Sovereign that goes back until the cache has its status", () => {
    const halt = { number: 1, reason: "Stalled", message: "", at: NOW, returns: true };
    const rollout = { image: NEXT_IMAGE, stages: [], halt };
    const returning = release({ backwardCompatible: true }, { ...measured(NEXT_IMAGE), rollout });
    const on = (name: string, image: string) =>
      sovereign(name, {}, { ...servingOn(image), previousImage: IMAGE });
    const { fleets, put } = connectFleet([on("alpha", NEXT_IMAGE)], [returning]);
    const decide = (own: Sovereign) => fleets.decide(own, returning).kind;
    expect(decide(on("alpha", NEXT_IMAGE))).toBe("return");
    expect(decide(sovereign("alpha", {}, updatingTo(IMAGE, IMAGE)))).toBe("wait");
    put(on("aaa", NEXT_IMAGE));
    expect(decide(on("aaa", NEXT_IMAGE))).toBe("update");
  });

  it("end a hold at its time without an event", () => {
    const hold = { reason: "freeze", until: "2026-11-24T12:05:00Z" };
    const held = sovereign("alpha", { billing: { ...alpha.spec.billing, hold } }, servingOn(IMAGE));
    const { fleets, pass } = connectFleet([zero, held], [ready()]);
    expect(fleets.tally(ready()).stages[1]?.names.leftOut).toEqual(["alpha"]);
    pass(300_000);
    expect(fleets.tally(ready()).stages[1]?.names.waiting).toEqual(["alpha"]);
  });
});

describe("the tally of a fleet", () => {
  const names = ["a", "b", "c", "d", "e"];
  const status = fc.constantFrom(
    undefined,
    servingOn(IMAGE),
    servingOn(NEXT_IMAGE),
    updatingTo(NEXT_IMAGE, IMAGE),
    failedOn(NEXT_IMAGE, IMAGE),
    updatingTo(IMAGE, NEXT_IMAGE),
  );
  const change = fc.record({
    name: fc.constantFrom(...names),
    isGone: fc.boolean(),
    isSuspended: fc.boolean(),
    isElsewhere: fc.boolean(),
    status,
  });

  it("equals a count of the whole fleet after any events", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const brel = ready({ stages: [{ name: "one", sovereigns: ["a", "b"], approval: false }] });
        const present = [zero];
        const { fleets, put, remove, nowMs } = connectFleet(present, [brel]);
        for (const { name, isGone, isSuspended, isElsewhere, status: next } of changes) {
          const own = sovereign(name, { suspend: isSuspended }, next);
          if (!isGone) put(isElsewhere ? onRelease(own, "edge") : own);
          else if (present.some(({ metadata }) => metadata.name === name)) remove(name);
          const here = present.filter(({ spec }) => spec.billing.release === "stable");
          const { members, ...counts } = fleets.tally(brel);
          const { members: expected, ...fromAll } = tallyOf(planOf(brel), here, nowMs());
          expect(new Map([...members].sort())).toEqual(new Map([...expected].sort()));
          expect({ ...counts, plan: undefined }).toEqual({ ...fromAll, plan: undefined });
        }
      }),
      { numRuns: 60 },
    );
  });
});
