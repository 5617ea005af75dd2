import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../platform/errors.ts";
import { type Command, parseCommandLine } from "./command.ts";
import type { PlaygroundSettings } from "./playground/run.ts";

const DEFAULT_PORT = 7443;

export const command: Command = {
  summary: "run a franchise on this machine, without a cluster",
  help: `Usage: catalyst playground [OPTIONS]

Starts an API server, PostgreSQL, a registry and the operator, applies the manifests in docs/examples, and runs two
Sovereigns. Prints each step with its evidence. Then it runs until Ctrl-C, stops everything and removes its files.

Options:
  --once                       stop after the last step; exit 0 only when every step passed
  --control-plane KIND         embedded (default), or real: kube-apiserver and etcd from the folder in KUBEBUILDER_ASSETS
  --topology KIND              single (default), or hub: the franchised Sovereign runs on a control plane of its own, with an
                               operator of its own
  --state-dir DIR              folder for its files: a new or empty one, or one of an earlier playground (.playground)
  --port PORT                  port of the Kubernetes API on 127.0.0.1 (${DEFAULT_PORT}); Services get the ports after it
  --examples DIR               folder of manifests to use instead of docs/examples

Exit codes: 0 done, 1 a step failed, 2 wrong usage.
`,
  async run(context) {
    const settings = readSettings(context.args);
    const { run } = await import("./playground/run.ts").catch(explainMissing);
    return run(context, settings);
  },
};

function readSettings(args: string[]): PlaygroundSettings {
  const { values } = parse(args);
  const kind = values["control-plane"];
  if (kind !== "embedded" && kind !== "real")
    throw new UsageError(`--control-plane: must be embedded or real, not ${kind}`);
  const { topology } = values;
  if (topology !== "single" && topology !== "hub")
    throw new UsageError(`--topology: must be single or hub, not ${topology}`);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_000)
    throw new UsageError("--port: must be a whole number from 1 to 65000");
  return {
    once: values.once,
    controlPlane: kind,
    topology,
    stateDirectory: values["state-dir"],
    port,
    examples: values.examples,
  };
}

const parse = (args: string[]) =>
  parseCommandLine({
    args,
    options: {
      once: { type: "boolean", default: false },
      "control-plane": { type: "string", default: "embedded" },
      topology: { type: "string", default: "single" },
      "state-dir": { type: "string", default: ".playground" },
      port: { type: "string", default: String(DEFAULT_PORT) },
      examples: { type: "string", default: join(import.meta.dirname, "../../docs/examples") },
    },
  });

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
