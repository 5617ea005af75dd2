import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { helpText } from "../../../src/cli/help.ts";
import { command } from "../../../src/cli/playground.ts";

const runWith = (...args: string[]) =>
  command.run({
    args,
    env: {},
    signal: AbortSignal.abort(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
  });

describe("the flags of catalyst playground", () => {
  it.each([
    [["--topology", "mesh"], "--topology must be single or hub, not 'mesh'"],
    [["--control-plane", "cloud"], "--control-plane must be embedded or real, not 'cloud'"],
    [["--port", "65001"], "--port must be a whole number from 1 to 65000"],
  ])("refuse %j before anything starts", async (args, message) => {
    await expect(runWith(...args)).rejects.toThrow(message);
  });

  it("are all listed by --help", () => {
    const flags = ["once", "control-plane", "topology", "state-dir", "port", "examples"];
    const help = helpText({ name: "catalyst", commands: [] }, "playground", command);
    for (const flag of flags) expect(help).toMatch(new RegExp(`^  --${flag} `, "m"));
  });
});
