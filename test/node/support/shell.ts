import { join } from "node:path";
import { runTool } from "../../support/process/tool.ts";

/** A person's terminal in the checkout: a script sees what the scripts before it exported. */
export interface Shell {
  /** Returns what the person sees: both streams, in the order of the writes. */
  run(script: string): Promise<string>;
  /** The same in a second terminal, from which nothing is kept. */
  runAside(script: string): Promise<string>;
}

/** `folder` keeps the variables between two scripts. */
export function createShell(folder: string, env: NodeJS.ProcessEnv): Shell {
  const state = join(folder, "shell-variables");
  const runAside = (script: string) =>
    runTool("bash", ["-euo", "pipefail", "-c", `exec 2>&1\n[ ! -e ${state} ] || . ${state}\n${script}\n`], {
      env,
    });
  // Replaced at once: the other terminal may be reading it.
  const keep = `export -p >${state}.next\nmv ${state}.next ${state}`;
  return { runAside, run: (script) => runAside(`${script}\n${keep}`) };
}
