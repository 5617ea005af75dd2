import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../platform/errors.ts";
import type { Command } from "./command.ts";

export const DEFAULT_PORT = 7443;

export const command: Command = {
  summary: "the whole franchise on one machine, with no cluster",
  help: `Usage: catalyst playground [OPTIONS]

Runs the whole story on the manifests in docs/examples: an API server, PostgreSQL, a registry, the operator, two
Sovereigns. Prints each step with what it proves, then stays up until Ctrl-C and leaves nothing behind.

Options:
  --once                       stop after the story; exit 0 only when every step held
  --control-plane KIND         embedded (default), or real: the kube-apiserver and etcd in KUBEBUILDER_ASSETS
  --state-dir DIR              where everything lies while it runs: a new, an empty, or a playground's directory (.playground)
  --port PORT                  port of the Kubernetes API on 127.0.0.1 (${DEFAULT_PORT}); Services get those that follow
  --examples DIR               other manifests than docs/examples

Exit codes: 0 done, 1 a step did not hold, 2 wrong usage.
`,
  async run(context) {
    const { run } = await import("./playground/run.ts").catch(explainMissing);
    return run(context);
  },
};

/** The image holds neither the playground nor the optional packages that only the playground needs. */
function explainMissing(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
  throw new UsageError(
    existsSync(join(import.meta.dirname, "playground"))
      ? "a package that the playground needs is not installed: run npm ci"
      : "the playground is not in the image: run it from a checkout of the repository, after npm ci",
    { cause: error },
  );
}
