import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { sleep } from "../../platform/shutdown.ts";
import type { Watchdog } from "./watchdog.ts";

export interface ChildOptions {
  argv: [command: string, ...args: string[]];
  env: Record<string, string>;
  cwd?: string;
  /** Receives stdout and stderr. */
  logFile: string;
  watchdog: Watchdog;
}

interface ChildExit {
  /** As a container runtime reports it: 128 + the signal's number when a signal ended the process. */
  code: number;
}

export interface Child {
  pid: number;
  exited: Promise<ChildExit>;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Sends `signal`, and SIGKILL when the process still runs after `graceMs`. */
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

/** Starts a process that the watchdog ends when ours does. Throws when the program cannot be started. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { argv, env, cwd, logFile, watchdog } = options;
  const [command, ...args] = argv;
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "a", 0o600);
  // Detached, so that a Ctrl-C in the terminal reaches only this process, which ends its children in order.
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
  watchdog.watch(child);
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
