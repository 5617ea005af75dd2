import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A helper of the bench that listens on loopback, in a process of its own. */
export interface HelperProcess {
  port: number;
  /** Tells it something, or just asks: it answers how far it is. */
  ask(message?: Record<string, number>): Promise<Record<string, number>>;
  close(): Promise<void>;
}

export async function startHelper(
  file: string,
  args: readonly (string | number)[] = [],
): Promise<HelperProcess> {
  const child = fork(join(import.meta.dirname, file), args.map(String));
  const answer = async () => (await once(child, "message"))[0] as Record<string, number>;
  const { port = 0 } = await answer();
  return {
    port,
    ask(message = {}) {
      const answered = answer();
      child.send(message);
      return answered;
    },
    async close() {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}

/**
 * A proxy in front of a loopback port that makes each round trip longer by `delayMs`, and counts the round trips: how often
 * the server answered to whatever had been sent since its last answer.
 */
export const startDelayProxy = (targetPort: number, delayMs: number) =>
  startHelper("delay-proxy-process.ts", [targetPort, delayMs]);
