import { join } from "node:path";
import { runTool } from "../../support/process/tool.ts";

/** A person's terminal in the checkout. Each script has the variables that earlier scripts exported. */
export interface Shell {
  /** Returns the output that the person sees: both streams, in the order of the writes. */
  run(script: string): Promise<string>;
  /** Runs a script in a second terminal, and keeps none of its variables. */
  runAside(script: string): Promise<string>;
}

/** `folder` stores the variables between scripts. */
export function createShell(folder: string, env: NodeJS.ProcessEnv): Shell {
  const state = join(folder, "shell-variables");
  const runAside = (script: string) =>
    runTool("bash", ["-euo", "pipefail", "-c", `exec 2>&1\n[ ! -e ${state} ] || . ${state}\n${script}\n`], {
      env,
    });
  // Replaced atomically, because the other terminal may read it at the same time.
  const keep = `export -p >${state}.next\nmv ${state}.next ${state}`;
  return { runAside, run: (script) => runAside(`${script}\n${keep}`) };
}
