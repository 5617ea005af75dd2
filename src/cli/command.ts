import type { Env } from "../platform/env.ts";
import type { Flag } from "./flag.ts";

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

/** What a command does with its first argument. */
export interface Action {
  name: string;
  /** What follows the name: `RELEASE [STAGE]`. */
  arguments: string;
  summary: string;
}

/** A subcommand. Help, completion and docs/command-line.md are made of it. Texts name the program `catalyst`. */
export interface Command {
  /** One line for `catalyst --help`. */
  summary: string;
  /** The arguments behind the name, in the line of usage. Absent: the options alone. */
  usage?: string;
  /** Paragraphs, each one text without line breaks. */
  description: readonly string[];
  actions?: readonly Action[];
  flags: readonly Flag[];
  /** Variables, each with what it means. */
  environment?: readonly (readonly [name: string, meaning: string])[];
  exitCodes: string;
  /** On a signal, the command itself ends what it has begun: requests, a migration, a voucher. Absent: it ends at once. */
  endsItself?: true;
  /** Throws `UsageError` for wrong usage. */
  run(context: CommandContext): Promise<ExitCode>;
}

export interface NamedCommand {
  name: string;
  command: Command;
}
