import { describe, expect, it } from "vitest";
import { parseDurationMs } from "../../../src/api/duration.ts";

describe("parseDurationMs", () => {
  it.each([
    ["90s", 90_000],
    ["15m", 900_000],
    ["1h30m", 5_400_000],
    ["0s", 0],
  ])("reads %s as %d ms", (text, ms) => expect(parseDurationMs(text)).toBe(ms));
});
