import { beforeEach, describe, expect, it } from "vitest";
import { createFightGuard, FieldFight } from "../../../src/kube/field-conflict.ts";

const IMAGE = "spec.containers[billing].image";
let time = Date.parse("2026-01-01T00:00:00Z");
const seconds = (count: number) => {
  time += count * 1000;
};
let guard = createFightGuard(() => new Date(time));
beforeEach(() => {
  guard = createFightGuard(() => new Date(time));
});

/** Seconds until the object is touched again; 0 when it may be now. */
function pause(object = "Deployment billing"): number {
  try {
    guard.check(object);
    return 0;
  } catch (error) {
    if (!(error instanceof FieldFight)) throw error;
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

describe("the fight guard", () => {
  it("lets six corrections of a field in a minute pass, and pauses after the seventh", () => {
    correct(6);
    expect(pause()).toBe(0);
    correct(1, [IMAGE], 0);
    expect(pause()).toBe(60);
    expect(pause("Deployment other")).toBe(0);
  });

  it("says what is fought over and when it goes on", () => {
    correct(7, [IMAGE], 0);
    expect(() => guard.check("Deployment billing")).toThrow(
      /^Deployment billing: somebody keeps changing spec\.containers\[billing\]\.image; it is put back again at 2\d{3}-/,
    );
  });

  it("takes many edits of different fields for what they are", () => {
    for (let i = 0; i < 20; i += 1) correct(1, [`metadata.labels.l${i}`], 1);
    expect(pause()).toBe(0);
  });

  it("takes slow repairs for what they are", () => {
    correct(30, [IMAGE], 11);
    expect(pause()).toBe(0);
  });

  it("doubles the pause for whoever goes on, up to a quarter of an hour", () => {
    correct(7, [IMAGE], 0);
    const pauses: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      pauses.push(pause());
      seconds(pause());
      correct(1, [IMAGE], 0);
    }
    expect(pauses).toEqual([60, 120, 240, 480, 900, 900]);
  });

  it("forgets a fight after a quiet time of two pauses", () => {
    correct(7, [IMAGE], 0);
    seconds(60 + 121);
    expect(pause()).toBe(0);
    correct(6);
    expect(pause()).toBe(0);
  });

  it("forgets an object that is gone", () => {
    correct(7, [IMAGE], 0);
    guard.forget("Deployment billing");
    expect(pause()).toBe(0);
  });
});
