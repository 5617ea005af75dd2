import { describe, expect, it } from "vitest";
import { staleFiles } from "../../../src/cli/generate.ts";

describe("generated files", () => {
  it("are what the code says now: npm run generate writes them", () => {
    expect(staleFiles()).toEqual([]);
  });
});
