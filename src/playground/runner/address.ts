import { createHash } from "node:crypto";
import { UsageError } from "../../platform/errors.ts";
import { listenOnce } from "../process/free-port.ts";

/** Gives each Pod its own loopback address, as a cluster's network gives it an IP. */
export interface AddressPool {
  allocate(): string;
  release(address: string): void;
}

const MAX_PODS = 250;

/**
 * Addresses of one /24 of 127.0.0.0/8. `seed` chooses the /24, so that two playgrounds on one machine rarely share one.
 * Throws a `UsageError` on a system whose loopback has only 127.0.0.1.
 */
export async function createAddressPool(seed: string): Promise<AddressPool> {
  const [second = 0, third = 0] = createHash("sha256").update(seed).digest();
  const prefix = `127.${64 + (second % 64)}.${third}`;
  await listenOnce(0, `${prefix}.1`).catch(() => {
    throw new UsageError(
      `cannot listen on ${prefix}.1: the playground needs all of 127.0.0.0/8 as loopback, as on Linux`,
    );
  });
  const taken = new Set<number>();
  let last = 0;
  return {
    allocate() {
      for (let tries = 0; tries < MAX_PODS; tries += 1) {
        last = (last % MAX_PODS) + 1;
        if (taken.has(last)) continue;
        taken.add(last);
        return `${prefix}.${last}`;
      }
      throw new Error(`the playground runs at most ${MAX_PODS} Pods at once`);
    },
    release: (address) => void taken.delete(Number(address.slice(address.lastIndexOf(".") + 1))),
  };
}
