import type { Env } from "../platform/env.ts";
import { untilAborted } from "../platform/shutdown.ts";
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

/** An action that the first argument of a command names. */
export interface Action {
  name: string;
  /** The arguments after the action's name, as `RELEASE [STAGE]`. */
  arguments: string;
  summary: string;
}

/**
 * A subcommand. Its help, the shell completion and docs/command-line.md are generated from these members. Texts call
 * the program `catalyst`.
 */
export interface Command {
  /** One line for `catalyst --help`. */
  summary: string;
  /** The arguments in the usage line. Absent: the command takes flags only. */
  usage?: string;
  /** Paragraphs, each a string without line breaks. */
  description: readonly string[];
  actions?: readonly Action[];
  flags: readonly Flag[];
  examples?: readonly (readonly [commandLine: string, purpose: string])[];
  /** Environment variables with their meaning. */
  environment?: readonly (readonly [name: string, meaning: string])[];
  exitCodes: string;
  /**
   * After a signal, the command itself completes or stops its work, such as open requests or a migration. Absent: the
   * signal ends it at once.
   */
  endsItself?: true;
  /** Throws `UsageError` for wrong usage. */
  run(context: CommandContext): Promise<ExitCode>;
}

export interface NamedCommand {
  name: string;
  command: Command;
}

/** Runs a command to its end. After a signal, rejects at once with the signal's reason, unless the command `endsItself`. */
export function runCommand(command: Command, context: CommandContext): Promise<ExitCode> {
  const ended = command.run(context);
  return command.endsItself === true ? ended : untilAborted(ended, context.signal);
}
