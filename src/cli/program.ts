import { basename } from "node:path";
import { UsageError } from "../platform/errors.ts";
import { createShutdownSignal, ShutdownError } from "../platform/shutdown.ts";
import { type Command, EXIT, type ExitCode, runCommand } from "./command.ts";
import { COMMAND_NAMES, COMMANDS, loadCommands } from "./command-list.ts";
import { failureText } from "./failure.ts";
import { asCalled, helpText, overview, type Program } from "./help.ts";
import { unknownName } from "./nearest.ts";
import { printable } from "./terminal-text.ts";
import { readVersion } from "./version.ts";

/** kubectl runs `kubectl-catalyst` in PATH for `kubectl catalyst`. */
const PROGRAM: Program = {
  name: basename(process.argv[1] ?? "").startsWith("kubectl-") ? "kubectl catalyst" : "catalyst",
  commands: COMMAND_NAMES,
};
/** The commit of the source. The image's build sets this variable. */
const { CATALYST_REVISION: revision = "" } = process.env;

async function main(): Promise<ExitCode> {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined) {
    process.stderr.write(overview(PROGRAM.name, await loadCommands()));
    return EXIT.wrongUsage;
  }
  if (name === "--version" || name === "version") {
    process.stdout.write(
      `${PROGRAM.name} ${readVersion()}${revision === "" ? "" : ` (revision ${revision})`}\n`,
    );
    return EXIT.done;
  }
  if (name === "--help" || name === "-h" || name === "help") return help(args[0]);
  const command = await find(name);
  if (command === undefined) return EXIT.wrongUsage;
  if (args.includes("--help") || args.includes("-h")) return help(name);
  try {
    return await runCommand(command, {
      args,
      env: process.env,
      signal: createShutdownSignal(),
      stdout: process.stdout,
      stderr: process.stderr,
    });
  } catch (error) {
    process.stderr.write(asCalled(PROGRAM, `${PROGRAM.name} ${name}: ${printable(failureText(error))}\n`));
    // Exits at once, which ends open requests. Otherwise the process would wait for their answers.
    if (error instanceof ShutdownError) process.exit(error.exitCode);
    return error instanceof UsageError ? EXIT.wrongUsage : EXIT.checkFailed;
  }
}

async function help(name: string | undefined): Promise<ExitCode> {
  if (name === undefined) {
    process.stdout.write(overview(PROGRAM.name, await loadCommands()));
    return EXIT.done;
  }
  const command = await find(name);
  if (command === undefined) return EXIT.wrongUsage;
  process.stdout.write(helpText(PROGRAM, name, command));
  return EXIT.done;
}

/** Prints an error on stderr if the command does not exist. */
async function find(name: string): Promise<Command | undefined> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined)
    process.stderr.write(
      name.startsWith("-")
        ? `${PROGRAM.name}: name the command first: ${PROGRAM.name} COMMAND ${name}\n`
        : `${PROGRAM.name}: ${unknownName("command", name, COMMAND_NAMES)}\n`,
    );
  return (await load?.())?.command;
}

// The program that reads the output has ended, as head does. Exit without a stack trace. If a command has a listener of its
// own, as the playground does, the command ends its children first.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (process.stdout.listenerCount("error") === 1) process.exit(EXIT.checkFailed);
});
process.exitCode = await main();
