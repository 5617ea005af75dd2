import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach } from "vitest";
import { sleep } from "../../../src/platform/shutdown.ts";
import { freePort } from "../../../src/playground/process/free-port.ts";

const ROOT = join(import.meta.dirname, "../../..");

export interface SovereignEntry {
  name: string;
  fqdn: string;
  url: string;
  databaseUrl: string;
  adminToken: string;
  customerToken: string;
}

/** `catalyst playground` as a process of its own, as a person starts it. */
export interface PlaygroundProcess {
  child: ChildProcess;
  stateDir: string;
  kubeconfig: string;
  /** Everything it printed so far. */
  output(): string;
  /** Waits for the story's end; throws with the output when it did not hold. */
  storyTold(): Promise<SovereignEntry[]>;
  /** Ends it as Ctrl-C does; its exit code. */
  interrupt(): Promise<number | null>;
  /** Ends it as kill -9 does. */
  kill(): Promise<void>;
  exited: Promise<number | null>;
}

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
  const usedPort = port ?? (await freePort());
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
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const sovereigns = join(stateDir, "sovereigns.json");
  return {
    child,
    stateDir,
    kubeconfig: join(stateDir, "kubeconfig"),
    output: () => text,
    exited,
    async storyTold() {
      while (!existsSync(sovereigns)) {
        if (child.exitCode !== null) throw new Error(`the playground ended with ${child.exitCode}:\n${text}`);
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

/** Starts playgrounds that are gone after each test, whatever became of it. */
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

const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 25;

/** Waits for something that a playground does; throws with `what` after half a minute. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !holds(); waitedMs += LOOK_EVERY_MS) {
    if (waitedMs > PATIENCE_MS) throw new Error(`waited in vain for ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** How often each migration was executed on a Sovereign's database, as its migration Pods logged it. */
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

/** Process numbers whose command line mentions `needle`. */
export function processesWith(needle: string): number[] {
  const listing = execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" });
  return listing
    .split("\n")
    .filter((line) => line.includes(needle) && !line.includes("ps -eo"))
    .map((line) => Number.parseInt(line, 10));
}

/** Removes a directory that `newStateDir` made, and no other. */
export function removeStateDir(stateDir: string): void {
  if (!stateDir.startsWith(PREFIX)) throw new Error(`${stateDir} is not a test's own directory`);
  rmSync(dirname(stateDir), { recursive: true, force: true });
}

/** Process numbers of the operator; none while it is about to be restarted. */
export function operatorsOf(playground: PlaygroundProcess): number[] {
  return processesWith("main.ts operator").filter((pid) => isOurs(pid, playground));
}

export function killOperator(playground: PlaygroundProcess): number {
  const [pid] = operatorsOf(playground);
  if (pid === undefined) throw new Error("no operator runs");
  process.kill(pid, "SIGKILL");
  return pid;
}

/** Whether a process was started by this playground: another may run beside it on the machine. */
export function isOurs(pid: number, { child }: PlaygroundProcess): boolean {
  const parent = execFileSync("ps", ["-o", "ppid=", "-p", String(pid)], { encoding: "utf8" });
  return Number.parseInt(parent, 10) === child.pid;
}
