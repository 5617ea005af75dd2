import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { sleep } from "../../platform/shutdown.ts";
import type { Reaper } from "./reaper.ts";

export interface ChildOptions {
  argv: [command: string, ...args: string[]];
  env: Record<string, string>;
  cwd?: string;
  /** Gets stdout and stderr. */
  logFile: string;
  reaper: Reaper;
}

interface ChildExit {
  /** As a container runtime reports it: 128 + the signal's number for a signal. */
  code: number;
}

export interface Child {
  pid: number;
  exited: Promise<ChildExit>;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Asks it to end, and kills it when it has not after `graceMs`. */
  stop(graceMs: number, signal?: NodeJS.Signals): Promise<void>;
}

const SIGNAL_NUMBER: Record<string, number> = {
  SIGTERM: 15,
  SIGKILL: 9,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGSEGV: 11,
  SIGABRT: 6,
};

/** Starts a process that the reaper ends with us. Throws when it cannot be started at all. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { argv, env, cwd, logFile, reaper } = options;
  const [command, ...args] = argv;
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "a", 0o600);
  // Its own process group: a Ctrl-C in the terminal reaches us alone, and we end children in our order.
  const child = spawn(command, args, {
    env,
    stdio: ["ignore", log, log],
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
  });
  closeSync(log);
  const exited = new Promise<ChildExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code: code ?? 128 + (SIGNAL_NUMBER[signal ?? ""] ?? 0) }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  reaper.watch(child);
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    exited,
    isRunning,
    kill: (signal) => void child.kill(signal),
    async stop(graceMs, signal = "SIGTERM") {
      if (!isRunning()) return;
      child.kill(signal);
      const ended = new AbortController();
      await Promise.race([exited, sleep(graceMs, ended.signal)]);
      ended.abort();
      if (isRunning()) child.kill("SIGKILL");
      await exited;
    },
  };
}
