import { describe, expect, it } from "vitest";
import { judge } from "../../bench/bar.ts";
import { median, quantile, spreadOf } from "../../bench/statistic.ts";

describe("quantile", () => {
  it.each([
    [0, 1],
    [0.5, 5],
    [0.99, 10],
    [1, 10],
  ])("of ten values, %d is %d", (q, expected) => {
    expect(quantile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], q)).toBe(expected);
  });

  it("orders values as numbers, not as text", () => {
    expect(quantile([100, 20, 3], 0.5)).toBe(20);
  });
});

describe("median", () => {
  it("is the middle value, or the mean of the two middle values", () => {
    expect([median([30, 1, 2]), median([4, 1, 2, 100])]).toEqual([2, 3]);
  });
});

describe("spreadOf", () => {
  it("does not change its input", () => {
    const values = [3, 1, 2];
    expect(spreadOf(values)).toEqual({ min: 1, median: 2, max: 3 });
    expect(values).toEqual([3, 1, 2]);
  });
});

describe("judge", () => {
  it.each([
    [">=", 3, 3, true],
    [">=", 3, 2.9, false],
    ["<=", 10, 10, true],
    ["<=", 10, 10.1, false],
  ] as const)("%s %d holds for %d: %s", (comparison, bound, measured, held) => {
    expect(judge("rate", comparison, bound, "x", measured)).toMatchObject({ measured, held });
  });

  it("neither passes nor fails a bar that was not measured", () => {
    expect(judge("rate", ">=", 3, "x", undefined)).toMatchObject({ measured: null, held: null });
  });
});
