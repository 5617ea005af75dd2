import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UsageError } from "../../../src/platform/errors.ts";
import { claimStateDirectory } from "../../../src/playground/process/state-directory.ts";

const CLAIM_PROGRAM = join(import.meta.dirname, "claim-state-directory.ts");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "catalyst-state-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Starts processes that claim the same directory in the same millisecond, and returns what each printed. */
async function claimAtOnce(directory: string, count: number) {
  const moment = Date.now() + 600;
  const children = Array.from({ length: count }, () =>
    spawn(process.execPath, [CLAIM_PROGRAM, directory, String(moment)], {
      stdio: ["pipe", "pipe", "inherit"],
    }),
  );
  const answers = await Promise.all(
    children.map(async ({ stdout }) => String((await once(createInterface(stdout), "line"))[0])),
  );
  return {
    answers,
    async kill() {
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
    },
  };
}

describe("claimStateDirectory", () => {
  it("creates the directory with its parents, and removes them on release", () => {
    const path = join(folder, "a/b/state");
    const state = claimStateDirectory(path);
    writeFileSync(state.file("kubeconfig"), "");
    mkdirSync(state.file("logs", "deep"), { recursive: true });
    state.release(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("leaves a directory that existed empty as it was", () => {
    const state = claimStateDirectory(folder);
    writeFileSync(state.file("kubeconfig"), "");
    state.release(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("refuses a directory that holds other files, and changes nothing in it", () => {
    mkdirSync(join(folder, "src"));
    writeFileSync(join(folder, "src/main.ts"), "precious");
    expect(() => claimStateDirectory(folder)).toThrow(
      new UsageError(
        `the state directory ${folder} contains files that are not a playground's (src): choose an empty or a new one with --state-dir`,
      ),
    );
    expect(readdirSync(folder, { recursive: true })).toEqual(["src", "src/main.ts"]);
  });

  it("keeps foreign files on release, and removes everything else", () => {
    const path = join(folder, "state");
    const state = claimStateDirectory(path);
    writeFileSync(state.file("kubeconfig"), "");
    writeFileSync(join(path, "notes.txt"), "mine");
    state.release(true);
    expect(readdirSync(path)).toEqual(["notes.txt"]);
    expect(readFileSync(join(path, "notes.txt"), "utf8")).toBe("mine");
  });

  it("keeps everything on release(false), and the next playground can remove it", () => {
    const path = join(folder, "state");
    const first = claimStateDirectory(path);
    writeFileSync(first.file("postgres-access.json"), "kept");
    first.release(false);
    const next = claimStateDirectory(path);
    expect(readFileSync(join(path, "postgres-access.json"), "utf8")).toBe("kept");
    next.release(true);
    expect(existsSync(path)).toBe(false);
  });

  it("refuses a directory that a process holds, also after the manifest is gone", () => {
    const path = join(folder, "state");
    const state = claimStateDirectory(path);
    expect(() => claimStateDirectory(path)).toThrow(
      `another playground (process ${process.pid}) uses ${path}`,
    );
    rmSync(join(path, "playground.json"));
    expect(() => claimStateDirectory(path)).toThrow(
      `another playground (process ${process.pid}) uses ${path}`,
    );
    state.release(true);
  });

  it("gives the directory to exactly one of several processes at once, also after all were killed", async () => {
    const path = join(folder, "state");
    for (let round = 0; round < 4; round += 1) {
      const { answers, kill } = await claimAtOnce(path, 5);
      await kill();
      expect(answers.filter((answer) => answer === "claimed")).toHaveLength(1);
      for (const answer of answers.filter((it) => it !== "claimed"))
        expect(answer).toMatch(/^another playground .*(uses|is starting)/);
    }
    claimStateDirectory(path).release(true);
    // The process that creates the directory may not be the one that writes the manifest. Then the directory stays, empty.
    expect(readdirSync(folder, { recursive: true }).filter((name) => name !== "state")).toEqual([]);
  });
});
