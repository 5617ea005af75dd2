import { type ParseArgsConfig, parseArgs } from "node:util";
import type { Env } from "../platform/env.ts";
import { errorMessage, UsageError } from "../platform/errors.ts";

/** The input and output of a subcommand. Code below src/cli never reads `process` for these. */
export interface CommandContext {
  /** Arguments after the subcommand's name. */
  args: string[];
  env: Env;
  /** Fires on SIGTERM and SIGINT. */
  signal: AbortSignal;
  /** For results; logs go to stderr. */
  stdout: NodeJS.WritableStream & { isTTY?: boolean };
  stderr: NodeJS.WritableStream;
}

export const EXIT = { done: 0, checkFailed: 1, wrongUsage: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Command {
  /** One line for `catalyst --help`. */
  summary: string;
  /** The whole text for `catalyst NAME --help`: usage, flags with their environment variables, exit codes. */
  help: string;
  /** Throws `UsageError` for wrong usage. */
  run(context: CommandContext): Promise<ExitCode>;
}

/** Parses a command line as `parseArgs` of Node does, and throws `UsageError` for what it refuses. */
export function parseCommandLine<const Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}
