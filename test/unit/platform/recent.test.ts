import { describe, expect, it } from "vitest";
import { isRecent } from "../../../src/platform/recent.ts";

describe("isRecent", () => {
  it.each([
    [0, 0, true],
    [0, 9, true],
    [0, 10, false],
    [1, 0, false],
    [Number.NEGATIVE_INFINITY, 0, false],
  ])("compares %d with %d", (atMs, nowMs, expected) => {
    expect(isRecent(atMs, nowMs, 10)).toBe(expected);
  });
});
