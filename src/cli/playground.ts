import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../platform/errors.ts";
import type { Command } from "./command.ts";
import { type Flag, parseCommandLine, parseCount } from "./flag.ts";
import type { PlaygroundSettings } from "./playground/run.ts";

const EXAMPLES = join(import.meta.dirname, "../../docs/examples");
/** The Services get the ports after it. */
const MAX_PORT = 65_000;

const FLAGS = [
  { name: "once", description: "stop after the last step; exit 0 only when every step passed" },
  {
    name: "control-plane",
    value: "KIND",
    choices: ["embedded", "real"],
    fallback: "embedded",
    description: "embedded, or real: kube-apiserver and etcd from the folder in KUBEBUILDER_ASSETS",
  },
  {
    name: "topology",
    value: "KIND",
    choices: ["single", "hub"],
    fallback: "single",
    description:
      "single, or hub: the franchised Sovereign runs on a control plane of its own, with an operator of its own",
  },
  {
    name: "state-dir",
    value: "DIR",
    fallback: ".playground",
    description: "folder for its files: a new or empty one, or one of an earlier playground",
  },
  {
    name: "port",
    value: "PORT",
    fallback: "7443",
    description: "port of the Kubernetes API on 127.0.0.1; Services get the ports after it",
  },
  { name: "verbose", description: "print the evidence of each step: objects, requests and responses" },
  { name: "examples", value: "DIR", description: "folder of manifests (docs/examples)" },
] as const satisfies readonly Flag[];

export const command: Command = {
  summary: "run a franchise on this machine, without a cluster",
  description: [
    "Starts an API server, PostgreSQL, a registry and the operator, applies the manifests in docs/examples, and runs two Sovereigns. Prints a line for each step, which says what the step proves. Then it runs until Ctrl-C, stops everything and removes its files.",
  ],
  flags: FLAGS,
  examples: [
    ["catalyst playground --once", "run every step and stop, as a test"],
    [
      "catalyst playground --topology hub --verbose",
      "give the franchised Sovereign a cluster of its own, and print the evidence",
    ],
  ],
  exitCodes: "0 done, 1 a step failed, 2 wrong usage",
  endsItself: true,
  async run(context) {
    const settings = readSettings(context.args);
    const { run } = await import("./playground/run.ts").catch(explainMissing);
    return run(context, settings);
  },
};

function readSettings(args: string[]): PlaygroundSettings {
  const { values } = parseCommandLine(FLAGS, args);
  return {
    once: values.once,
    verbose: values.verbose,
    controlPlane: values["control-plane"],
    topology: values.topology,
    stateDirectory: values["state-dir"],
    port: parseCount("port", values.port, MAX_PORT),
    examples: values.examples ?? EXAMPLES,
  };
}

/** The image contains neither the playground nor its optional packages. */
function explainMissing(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
  throw new UsageError(
    existsSync(join(import.meta.dirname, "playground"))
      ? "a package that the playground needs is not installed: run npm ci"
      : "the playground is not in the image: run it from a checkout of the repository, after npm ci",
    { cause: error },
  );
}
