import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { UsageError } from "../../platform/errors.ts";

/** Gives each Pod a loopback address of its own, as a cluster's network gives it an IP. */
export interface AddressPool {
  take(): string;
  giveBack(address: string): void;
}

/**
 * Addresses of one /24 of 127.0.0.0/8, chosen by `seed` so that two playgrounds on one machine seldom meet. Throws a
 * `UsageError` on systems that answer on 127.0.0.1 alone.
 */
export async function createAddressPool(seed: string): Promise<AddressPool> {
  const [second = 0, third = 0] = createHash("sha256").update(seed).digest();
  const prefix = `127.${64 + (second % 64)}.${third}`;
  if (!(await canListen(`${prefix}.1`))) {
    throw new UsageError(
      `this system does not listen on ${prefix}.1: the playground needs all of 127.0.0.0/8, as Linux gives it`,
    );
  }
  const taken = new Set<number>();
  let last = 0;
  return {
    take() {
      for (let tries = 0; tries < 250; tries += 1) {
        last = (last % 250) + 1;
        if (taken.has(last)) continue;
        taken.add(last);
        return `${prefix}.${last}`;
      }
      throw new Error("more than 250 Pods run at once");
    },
    giveBack: (address) => void taken.delete(Number(address.slice(address.lastIndexOf(".") + 1))),
  };
}

function canListen(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(0, host, () => probe.close(() => resolve(true)));
  });
}
