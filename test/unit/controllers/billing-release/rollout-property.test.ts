import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NOW } from "../../../support/builder/catalyst-object.ts";
import { chance, laterChance, world } from "../../../support/builder/rollout-arbitrary.ts";
import { createWorld } from "../../../support/builder/rollout-world.ts";

/** The same worlds in each run. */
const SEED = 12;

describe("a rollout", () => {
  it("never makes more Sovereigns unavailable than allowed, and starts none past a halt, a pause or a missing approval", () => {
    fc.assert(
      fc.property(world, fc.array(chance, { minLength: 40, maxLength: 150 }), (start, chances) => {
        const { take } = createWorld(start);
        for (const each of chances) take(each);
      }),
      { seed: SEED, numRuns: 75 },
    );
  });

  it("becomes Complete after any events when nothing fails any more", () => {
    fc.assert(
      fc.property(world, fc.array(chance, { maxLength: 60 }), (start, chances) => {
        const { happen, take, operate, phase, names, updated, refused, state } = createWorld(start);
        for (const each of chances) take(each);
        // Every cluster answers, every halt is resumed, every Sovereign that waits for a person is repaired, and every stage
        // is approved.
        happen({ kind: "approve", name: "zero" });
        for (const name of names())
          for (const kind of ["reconnect", "continue", "repair"] as const) happen({ kind, name });
        for (let round = 0; round < 5; round += 1) {
          happen({ kind: "report", name: "zero" });
          happen({ kind: "resume", name: "zero" });
        }
        // A new operator process reconciles everything once.
        for (const name of names()) happen({ kind: "reconcile", name });
        for (let round = 0; round < 200 && (operate() || round < 5); round += 1);
        expect(phase(), state()).toBe("Complete");
        expect(updated(), state()).toEqual(names());
        expect(refused(), state()).toEqual([]);
      }),
      { seed: SEED, numRuns: 75 },
    );
  });

  it("neither halts nor takes the image from a Sovereign once it was complete, whatever fails", () => {
    fc.assert(
      fc.property(world, fc.array(laterChance, { minLength: 20, maxLength: 80 }), (start, chances) => {
        const { happen, take, operate, phase, isComplete, names, updated, state } = createWorld(start);
        happen({ kind: "approve", name: "zero" });
        for (const name of names()) happen({ kind: "reconcile", name });
        for (let round = 0; round < 200 && (operate() || round < 5); round += 1);
        expect(isComplete(), state()).toBe(true);
        for (const each of chances) {
          const before = updated();
          take(each);
          const present = new Set(names());
          expect(updated(), state()).toEqual(
            expect.arrayContaining(before.filter((name) => present.has(name))),
          );
          expect(isComplete(), state()).toBe(true);
          expect(phase(), state()).not.toBe("Halted");
        }
      }),
      { seed: SEED, numRuns: 50 },
    );
  });

  it("sends every Sovereign back when it halts with compatible migrations, in waves, and none forward", () => {
    fc.assert(
      fc.property(world, fc.array(chance, { minLength: 10, maxLength: 60 }), (start, chances) => {
        const rollout = { ...start.rollout, backwardCompatible: true };
        const { happen, take, operate, names, updated, returnable, refused, state, isReturning } =
          createWorld({
            ...start,
            rollout,
          });
        for (const each of chances) take(each);
        happen({ kind: "report", name: "zero" });
        fc.pre(isReturning());
        // A pause ends, and every Sovereign that failed on its previous image is repaired.
        happen({ kind: "abort", name: "zero" });
        for (const name of names())
          for (const kind of ["reconnect", "continue", "repair", "reconcile"] as const)
            happen({ kind, name });
        const before = new Set(updated());
        for (let round = 0; round < 200 && (operate() || round < 5); round += 1)
          expect(
            updated().filter((name) => !before.has(name)),
            state(),
          ).toEqual([]);
        expect(returnable(), state()).toEqual([]);
        expect(refused(), state()).toEqual([]);
      }),
      { seed: SEED, numRuns: 50 },
    );
  });

  it("ends without a reconcile of Sovereigns that it does not enqueue", () => {
    fc.assert(
      fc.property(world, (start) => {
        const { happen, operate, phase, names, state } = createWorld(start);
        happen({ kind: "approve", name: "zero" });
        for (const name of names()) happen({ kind: "reconcile", name });
        for (let round = 0; round < 200 && (operate() || round < 5); round += 1);
        expect(phase(), `${NOW} ${state()}`).toBe("Complete");
      }),
      { seed: SEED, numRuns: 75 },
    );
  });
});
