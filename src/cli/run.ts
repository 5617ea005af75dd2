import { untilAborted } from "../platform/shutdown.ts";
import type { Command, CommandContext, ExitCode } from "./command.ts";

/** Runs a command to its end. After a signal, rejects with the signal's reason at once, unless the command ends by itself. */
export function runCommand(command: Command, context: CommandContext): Promise<ExitCode> {
  const ended = command.run(context);
  return command.endsItself === true ? ended : untilAborted(ended, context.signal);
}
