import type { Command, NamedCommand } from "./command.ts";

/** All commands by name. Each module is loaded on demand, so that `catalyst migrate` does not load the Kubernetes client. */
export const COMMANDS: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  operator: () => import("./operator.ts"),
  preflight: () => import("./preflight.ts"),
  status: () => import("./status.ts"),
  rollout: () => import("./rollout.ts"),
  vouchers: () => import("./vouchers.ts"),
  token: () => import("./token.ts"),
  smoke: () => import("./smoke.ts"),
  "support-bundle": () => import("./support-bundle.ts"),
  verify: () => import("./verify.ts"),
  uninstall: () => import("./uninstall.ts"),
  billing: () => import("./billing.ts"),
  migrate: () => import("./migrate.ts"),
  "reconcile-ledger": () => import("./reconcile-ledger.ts"),
  playground: () => import("./playground.ts"),
  // These two describe all commands.
  generate: async () => (await import("./generate.ts")).createCommand(loadCommands),
  completion: async () => (await import("./completion.ts")).createCommand(loadCommands),
};

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

export function loadCommands(): Promise<NamedCommand[]> {
  return Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => ({ name, command: (await load()).command })),
  );
}
