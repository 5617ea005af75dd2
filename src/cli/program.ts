import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage, UsageError } from "../platform/errors.ts";
import { createShutdownSignal } from "../platform/shutdown.ts";
import { type Command, EXIT, type ExitCode } from "./command.ts";

// Loaded on demand, so that `catalyst migrate` does not load the Kubernetes client.
const COMMANDS: Record<string, () => Promise<{ command: Command }>> = {
  operator: () => import("./operator.ts"),
  preflight: () => import("./preflight.ts"),
  status: () => import("./status.ts"),
  billing: () => import("./billing.ts"),
  migrate: () => import("./migrate.ts"),
  smoke: () => import("./smoke.ts"),
  verify: () => import("./verify.ts"),
  rollout: () => import("./rollout.ts"),
  token: () => import("./token.ts"),
  "reconcile-ledger": () => import("./reconcile-ledger.ts"),
  uninstall: () => import("./uninstall.ts"),
  playground: () => import("./playground.ts"),
  generate: () => import("./generate.ts"),
};

async function usage(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(COMMANDS).map(
      async ([name, load]) => `  ${name.padEnd(18)}${(await load()).command.summary}`,
    ),
  );
  return `Usage: catalyst COMMAND [OPTIONS]\n\n${lines.join("\n")}\n\ncatalyst COMMAND --help shows the options of a command, catalyst --version the version. Exit codes: 0 done, 1 the check failed, 2 wrong usage.\n`;
}

function readVersion(): string {
  const file = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8");
  return (JSON.parse(file) as { version: string }).version;
}

async function main(): Promise<ExitCode> {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    (name === undefined ? process.stderr : process.stdout).write(await usage());
    return name === undefined ? EXIT.wrongUsage : EXIT.done;
  }
  if (name === "--version" || name === "version") {
    process.stdout.write(`catalyst ${readVersion()}\n`);
    return EXIT.done;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    process.stderr.write(
      `catalyst: unknown command '${name}': use one of ${Object.keys(COMMANDS).join(", ")}\n`,
    );
    return EXIT.wrongUsage;
  }
  const { command } = await load();
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(command.help);
    return EXIT.done;
  }
  try {
    return await command.run({
      args,
      env: process.env,
      signal: createShutdownSignal(),
      stdout: process.stdout,
      stderr: process.stderr,
    });
  } catch (error) {
    process.stderr.write(`catalyst ${name}: ${errorMessage(error)}\n`);
    return error instanceof UsageError ? EXIT.wrongUsage : EXIT.checkFailed;
  }
}

process.exitCode = await main();
