import { beforeEach, describe, expect, it } from "vitest";
import { createFieldConflictGuard, FieldConflict } from "../../../src/kube/field-conflict.ts";

const IMAGE = "spec.containers[billing].image";
const YEAR_MS = 365 * 86_400_000;
/** Both clocks, in milliseconds: the time of day can jump. */
let timeMs = Date.parse("2026-01-01T00:00:00Z");
let steadyMs = 5_000;
const seconds = (count: number) => {
  timeMs += count * 1000;
  steadyMs += count * 1000;
};
const createGuard = () =>
  createFieldConflictGuard({ now: () => new Date(timeMs), elapsedMs: () => steadyMs });
let guard = createGuard();
beforeEach(() => {
  guard = createGuard();
});

/** Seconds until the object may be corrected again; 0 when it may be corrected now. */
function pause(object = "Deployment billing"): number {
  try {
    guard.check(object);
    return 0;
  } catch (error) {
    if (!(error instanceof FieldConflict)) throw error;
    return error.retryAfterMs / 1000;
  }
}

function correct(times: number, fields = [IMAGE], everySeconds = 1): void {
  for (let i = 0; i < times; i += 1) {
    guard.check("Deployment billing");
    guard.corrected("Deployment billing", fields);
    seconds(everySeconds);
  }
}

describe("createFieldConflictGuard", () => {
  it("allows six corrections of a field in a minute, and pauses after the seventh", () => {
    correct(6);
    expect(pause()).toBe(0);
    correct(1, [IMAGE], 0);
    expect(pause()).toBe(60);
    expect(pause("Deployment other")).toBe(0);
  });

  it("names the contested field and the time of the next correction", () => {
    correct(7, [IMAGE], 0);
    expect(() => guard.check("Deployment billing")).toThrow(
      /^Deployment billing: another writer keeps changing spec\.containers\[billing\]\.image; the operator puts it back again at 2\d{3}-/,
    );
  });

  it("does not pause for many edits of different fields", () => {
    for (let i = 0; i < 20; i += 1) correct(1, [`metadata.labels.l${i}`], 1);
    expect(pause()).toBe(0);
  });

  it("does not pause for slow repairs", () => {
    correct(30, [IMAGE], 11);
    expect(pause()).toBe(0);
  });

  it("doubles the pause while the changes continue, up to 15 minutes", () => {
    correct(7, [IMAGE], 0);
    const pauses: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      pauses.push(pause());
      seconds(pause());
      correct(1, [IMAGE], 0);
    }
    expect(pauses).toEqual([60, 120, 240, 480, 900, 900]);
  });

  it("ends a conflict after two pauses without a change", () => {
    correct(7, [IMAGE], 0);
    seconds(60 + 121);
    expect(pause()).toBe(0);
    correct(6);
    expect(pause()).toBe(0);
  });

  it.each([-YEAR_MS, YEAR_MS])(
    "keeps the length of a pause when the time of day jumps by %i ms",
    (jumpMs) => {
      correct(7, [IMAGE], 0);
      timeMs += jumpMs;
      expect(pause()).toBe(60);
      seconds(60);
      expect(pause()).toBe(0);
    },
  );

  it("forgets corrections a minute after them, although the clock was set back", () => {
    correct(6);
    timeMs -= YEAR_MS;
    seconds(60);
    correct(6);
    expect(pause()).toBe(0);
  });

  it("ends the conflict over an object that is forgotten", () => {
    correct(7, [IMAGE], 0);
    guard.forget("Deployment billing");
    expect(pause()).toBe(0);
  });
});
