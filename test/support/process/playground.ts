import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach } from "vitest";
import { MIGRATIONS } from "../../../src/billing/db/schema.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import { findFreePort } from "../../../src/playground/process/free-port.ts";

const ROOT = join(import.meta.dirname, "../../..");

export interface SovereignEntry {
  name: string;
  fqdn: string;
  url: string;
  databaseUrl: string;
  adminToken: string;
  customerToken: string;
}

/** `catalyst playground` in its own process, as a person starts it. */
export interface PlaygroundProcess {
  child: ChildProcess;
  stateDir: string;
  kubeconfig: string;
  /** The output so far. */
  output(): string;
  /** Waits for the last line of the story. Throws with the output when the playground exits before. */
  storyFinished(): Promise<SovereignEntry[]>;
  /** Stops it as Ctrl-C does, and returns the exit code. */
  interrupt(): Promise<number | null>;
  /** Kills it as kill -9 does. */
  kill(): Promise<void>;
  exited: Promise<number | null>;
}

const LAST_LINE = "Ctrl-C stops the playground";
const PREFIX = join(tmpdir(), "catalyst-story-");

export function newStateDir(): string {
  return join(mkdtempSync(PREFIX), "state");
}

export async function startPlaygroundProcess(
  stateDir: string,
  args: string[] = [],
  port?: number,
  options: { env?: NodeJS.ProcessEnv; detached?: boolean } = {},
): Promise<PlaygroundProcess> {
  const usedPort = port ?? (await findFreePort());
  const argv = [
    join(ROOT, "src/cli/main.ts"),
    "playground",
    "--state-dir",
    stateDir,
    "--port",
    String(usedPort),
    ...args,
  ];
  const child = spawn(process.execPath, argv, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    ...options,
  });
  let text = "";
  child.stdout?.on("data", (chunk) => {
    text += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    text += chunk;
  });
  // `close` comes after the last output, and `exit` may come before it.
  const exited = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const sovereigns = join(stateDir, "sovereigns.json");
  return {
    child,
    stateDir,
    kubeconfig: join(stateDir, "kubeconfig"),
    output: () => text,
    exited,
    async storyFinished() {
      while (!text.includes(LAST_LINE)) {
        if (child.exitCode !== null)
          throw new Error(`the playground exited with ${child.exitCode}:\n${text}`);
        await sleep(50);
      }
      return JSON.parse(readFileSync(sovereigns, "utf8"));
    },
    interrupt() {
      child.kill("SIGINT");
      return exited;
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Starts playgrounds and removes them after each test, also when the test failed. */
export function usePlaygrounds(): typeof startPlaygroundProcess {
  const running: PlaygroundProcess[] = [];
  afterEach(async () => {
    for (const playground of running.splice(0)) {
      if (playground.child.exitCode === null && playground.child.signalCode === null) await playground.kill();
      removeStateDir(playground.stateDir);
    }
  });
  return async (...args) => {
    const playground = await startPlaygroundProcess(...args);
    running.push(playground);
    return playground;
  };
}

/** The number of runs of each migration on a Sovereign's database, from the logs of its migration Pods. */
export function migrationRuns(stateDir: string, sovereign: string): Record<string, number> {
  const logs = join(stateDir, "logs");
  const lines = readdirSync(logs)
    .filter((file) => file.startsWith(`sovereign-${sovereign}_billing-migrate-`))
    .flatMap((file) => readFileSync(join(logs, file), "utf8").split("\n"))
    .filter((line) => line.includes('"msg":"migration done"'));
  const runs: Record<string, number> = {};
  for (const line of lines) {
    const { migration } = JSON.parse(line) as { migration: string };
    runs[migration] = (runs[migration] ?? 0) + 1;
  }
  return runs;
}

/** The result of `migrationRuns` when each migration ran this often. */
export const eachMigrationRan = (times: number): Record<string, number> =>
  Object.fromEntries(MIGRATIONS.map(({ name }) => [name, times]));

interface RunningProcess {
  pid: number;
  parent: number;
  commandLine: string;
}

/** All processes as one listing: a process may end between two. */
function runningProcesses(): RunningProcess[] {
  const listing = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" });
  return [...listing.matchAll(/^ *(\d+) +(\d+) (.*)$/gm)]
    .map(([, pid, parent, commandLine = ""]) => ({ pid: Number(pid), parent: Number(parent), commandLine }))
    .filter(({ commandLine }) => !commandLine.includes("ps -eo"));
}

/** Process numbers of the command lines that contain `needle`. */
export const processesWith = (needle: string): number[] =>
  runningProcesses()
    .filter(({ commandLine }) => commandLine.includes(needle))
    .map(({ pid }) => pid);

/** As `processesWith`, of the processes that this playground started. Another one may run on the same machine. */
export const ownProcessesWith = (needle: string, { child }: PlaygroundProcess): number[] =>
  runningProcesses()
    .filter(({ parent, commandLine }) => parent === child.pid && commandLine.includes(needle))
    .map(({ pid }) => pid);

/** Removes a directory that `newStateDir` created, and refuses any other. */
export function removeStateDir(stateDir: string): void {
  if (!stateDir.startsWith(PREFIX)) throw new Error(`${stateDir} was not created by newStateDir`);
  rmSync(dirname(stateDir), { recursive: true, force: true });
}

/** Process numbers of the operator; empty while it waits for a restart. */
export const operatorsOf = (playground: PlaygroundProcess): number[] =>
  ownProcessesWith("main.ts operator", playground);

export function killOperator(playground: PlaygroundProcess): number {
  const [pid] = operatorsOf(playground);
  if (pid === undefined) throw new Error("no operator runs");
  process.kill(pid, "SIGKILL");
  return pid;
}
