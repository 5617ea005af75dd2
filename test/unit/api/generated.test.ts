import { describe, expect, it } from "vitest";
import { staleFiles } from "../../../src/cli/generate.ts";

describe("generated files", () => {
  it("equal what npm run generate would write now", () => {
    expect(staleFiles()).toEqual([]);
  });
});
