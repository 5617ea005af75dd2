import type { Env } from "../platform/env.ts";

/** What a subcommand gets from the outside world; the only road to arguments and environment. */
export interface CommandContext {
  /** Arguments after the subcommand's name. */
  args: string[];
  env: Env;
  /** Fires on SIGTERM and SIGINT. */
  signal: AbortSignal;
  /** Results go here; logs go to stderr. */
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
