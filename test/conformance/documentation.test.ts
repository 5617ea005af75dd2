import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandBlocksOf, PAGES, readPage } from "../support/builder/documentation-page.ts";
import { type StoryBench, useStoryBench } from "../support/suite/story-bench.ts";

const ROOT = join(import.meta.dirname, "../..");
const run = promisify(execFile);

const blocks = PAGES.flatMap((page) => commandBlocksOf(readPage(page)).map((block) => ({ page, ...block })));

/**
 * Creates a folder for the reader's shell: a checkout in which `npm start` works and `catalyst` is in PATH. The
 * playground's state directory is where the pages expect it.
 */
function createCheckout(stateDir: string): string {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-pages-"));
  for (const name of readdirSync(ROOT))
    if (name !== ".playground") symlinkSync(join(ROOT, name), join(folder, name));
  symlinkSync(stateDir, join(folder, ".playground"));
  mkdirSync(join(folder, ".bin"));
  symlinkSync(join(ROOT, "src/cli/entry/main.ts"), join(folder, ".bin/catalyst"));
  return folder;
}

/**
 * Returns a function that runs a block as a reader pastes it into a shell, with the token and the address that the page
 * asks for.
 */
function useShell(bench: StoryBench): (script: string) => Promise<{ stdout: string }> {
  let folder: string;
  beforeAll(() => {
    folder = createCheckout(bench.stateDir);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (script) => {
    // No Franchise limits the vouchers of this Sovereign.
    const { url, adminToken } =
      bench.sovereigns.find(({ name }) => name === "catalyst-zero") ?? bench.omantel();
    const path = [join(folder, ".bin"), join(ROOT, "node_modules/.bin"), process.env.KUBEBUILDER_ASSETS];
    return run("bash", ["--norc", "-euo", "pipefail", "-c", script], {
      cwd: folder,
      env: {
        PATH: [...path, process.env.PATH].join(delimiter),
        HOME: folder,
        KUBECONFIG: bench.playground.kubeconfig,
        BASE: url,
        TOKEN: adminToken,
      },
    });
  };
}

describe.each([
  ["single", []],
  ["hub", ["--topology", "hub"]],
] as const)("the command blocks of the pages, on a playground with --topology %s", (topology, args) => {
  const bench = useStoryBench("embedded", [...args]);
  const shell = useShell(bench);
  const here = blocks.filter((block) => block.topology === topology);

  it.each(here.filter(({ isRefused }) => !isRefused))("$page: runs: $script", async ({ script }) => {
    await shell(script);
  });

  it.each(here.filter(({ isRefused }) => isRefused))("$page: is refused: $script", async ({ script }) => {
    await expect(shell(script)).rejects.toThrow(/denied the request/);
  });

  it("are followed by the commands that the story prints at its end, which run or are refused", async () => {
    const [, ending = ""] = bench.playground.output().split(" steps passed");
    const commands = ending.split("\n").filter((line) => /^ +(?:kubectl |curl |KUBECONFIG=)/.test(line));
    expect(commands).toHaveLength(4);
    for (const command of commands) {
      if (command.includes("evil")) await expect(shell(command)).rejects.toThrow(/denied the request/);
      else expect((await shell(command)).stdout, command).not.toBe("");
    }
  });
});
