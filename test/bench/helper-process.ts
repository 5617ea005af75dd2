import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Failure } from "./helper-answer.ts";

/** A helper of the bench: a process that listens on loopback. */
export interface HelperProcess {
  pid: number;
  port: number;
  /** Sends a message (by default an empty one) and resolves with the answer. Rejects when the helper fails or ends. */
  ask<T extends object = Record<string, number>>(message?: object): Promise<T>;
  close(): Promise<void>;
  /** Kills the process, as a crash would. */
  kill(): Promise<void>;
}

export async function startHelper(
  file: string,
  args: readonly (string | number)[] = [],
  nodeArgs: readonly string[] = [],
): Promise<HelperProcess> {
  const child = fork(join(import.meta.dirname, file), args.map(String), {
    execArgv: [...process.execArgv, ...nodeArgs],
  });
  async function answer<T>(): Promise<T> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const ended = once(child, "exit", { signal }).then(([code]) => {
      throw new Error(`${file} ended with code ${code}`);
    });
    try {
      const [message] = await Promise.race([once(child, "message", { signal }), ended]);
      const { kind, problem } = message as Partial<Failure>;
      if (kind === "failed") throw new Error(problem);
      return message as T;
    } finally {
      waiting.abort();
      ended.catch(() => {});
    }
  }
  async function end(how: () => void): Promise<void> {
    const exited = once(child, "exit");
    how();
    await exited;
  }
  const { port = 0 } = await answer<{ port?: number }>();
  return {
    pid: child.pid ?? 0,
    port,
    ask<T>(message = {}) {
      const answered = answer<T>();
      child.send(message);
      return answered;
    },
    close: () => end(() => child.disconnect()),
    kill: () => end(() => child.kill("SIGKILL")),
  };
}

/**
 * Starts a proxy for a loopback port. It makes each round trip longer by `delayMs`, and counts round trips: how often
 * the server answered the data sent since its last answer.
 */
export const startDelayProxy = (targetPort: number, delayMs: number) =>
  startHelper("delay-proxy-process.ts", [targetPort, delayMs]);
