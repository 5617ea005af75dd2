import { createServer } from "node:net";
import { UsageError } from "../../platform/errors.ts";

/** Finds a free port on 127.0.0.1: `wanted` when it is free, else any. */
export async function findFreePort(wanted = 0): Promise<number> {
  return listenOnce(wanted).catch(() => listenOnce(0));
}

/** Throws a `UsageError` when the port on 127.0.0.1 cannot be used. */
export async function requireFreePort(port: number): Promise<void> {
  await listenOnce(port).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `port ${port} on 127.0.0.1 cannot be used (${error.code}): choose another one with --port`,
    );
  });
}

/** Listens for a moment, and returns the port. Rejects with the error of `listen`. */
export function listenOnce(port: number, host = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(port, host, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}
