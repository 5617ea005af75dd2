import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type { Command } from "../../../src/cli/command.ts";

const MAIN = resolve(import.meta.dirname, "../../../src/cli/main.ts");

/** Runs a command of `catalyst` to its end in a process of its own. */
export function runCommand(
  name: string,
  env: Record<string, string>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [MAIN, name],
      { env: { PATH: process.env.PATH ?? "", ...env } },
      (_error, stdout, stderr) => done({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** Runs a command of `catalyst` to its end in this process. Rejects if it does. */
export async function runHere(
  command: Command,
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number; stdout: string }> {
  const stdout = new PassThrough();
  const { signal } = new AbortController();
  const code = await command.run({ args, env, signal, stdout, stderr: new PassThrough() });
  stdout.end();
  return { code, stdout: await text(stdout) };
}
