import { describe, expect, it } from "vitest";
import { loadCommands } from "../../../src/cli/command-list.ts";
import { staleFiles } from "../../../src/cli/generate.ts";

const commands = await loadCommands();

describe("generated files", () => {
  it("equal what npm run generate would write now", () => {
    expect(staleFiles(commands)).toEqual([]);
  });
});
