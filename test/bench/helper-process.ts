import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A helper of the bench that listens on loopback, in a process of its own. */
export interface HelperProcess {
  port: number;
  /** What it answers when it is asked how far it is. */
  count(): Promise<Record<string, number>>;
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
    count() {
      const counted = answer();
      child.send("count");
      return counted;
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
