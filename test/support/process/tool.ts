import { execFile } from "node:child_process";
import { promisify } from "node:util";

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 300_000;

/** Runs a program to its end and returns its output. Throws with all that it printed. */
export async function runTool(
  command: string,
  args: readonly string[],
  { env }: { env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const options = { env: { ...process.env, ...env }, maxBuffer: MAX_OUTPUT_BYTES, timeout: TIMEOUT_MS };
  try {
    return (await promisify(execFile)(command, args, options)).stdout;
  } catch (error) {
    const { stdout, stderr, message } = error as Error & { stdout: string; stderr: string };
    throw new Error(`${message}\n${stdout}\n${stderr}`);
  }
}
