import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "./client.ts";
import { isConflict } from "./error.ts";
import { LEASES, type ObjectKey } from "./resource.ts";

export interface Lease extends KubernetesObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface LeaseLock {
  /** Acquires or renews the Lease. False when another process holds it, or when `isWanted` is false after the read. */
  tryAcquire(isWanted: () => boolean): Promise<boolean>;
  /** Releases the Lease if this process holds it. */
  release(): Promise<void>;
}

/**
 * Uses a Lease as a lock. Another holder's lease is counted from the moment at which this process saw it change, by its own
 * clock: the clocks of machines may differ.
 */
export function createLeaseLock(deps: {
  client: KubeClient;
  lease: ObjectKey;
  identity: string;
  leaseMs: number;
  clock: { now(): Date; monotonic(): number };
}): LeaseLock {
  const { client, lease: key, identity, leaseMs, clock } = deps;
  let seen: { renewal: string; at: number } | undefined;

  async function tryRelease(): Promise<void> {
    const live = await client.get<Lease>(LEASES, key);
    if (live?.spec?.holderIdentity !== identity) return;
    await client.replace<Lease>(LEASES, {
      ...live,
      spec: { ...live.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime(clock.now()) },
    });
  }

  return {
    async tryAcquire(isWanted) {
      const at = microTime(clock.now());
      const live = await client.get<Lease>(LEASES, key);
      if (!isWanted()) return false;
      const spec = {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(leaseMs / 1000),
        renewTime: at,
      };
      if (live === undefined) {
        await client.create<Lease>(LEASES, {
          apiVersion: "coordination.k8s.io/v1",
          kind: "Lease",
          metadata: key,
          spec: { ...spec, acquireTime: at, leaseTransitions: 0 },
        });
        return true;
      }
      const holder = live.spec?.holderIdentity ?? "";
      const renewal = `${holder} ${live.spec?.renewTime}`;
      if (seen?.renewal !== renewal) seen = { renewal, at: clock.monotonic() };
      const lastsMs = Math.max(leaseMs, (live.spec?.leaseDurationSeconds ?? 0) * 1000);
      if (holder !== identity && holder !== "" && clock.monotonic() - seen.at < lastsMs) return false;
      const isOurs = holder === identity;
      // The resourceVersion makes the server refuse this write when another process wrote first.
      await client.replace<Lease>(LEASES, {
        ...live,
        spec: {
          ...live.spec,
          ...spec,
          acquireTime: isOurs ? (live.spec?.acquireTime ?? at) : at,
          leaseTransitions: (live.spec?.leaseTransitions ?? 0) + (isOurs ? 0 : 1),
        },
      });
      return true;
    },
    async release() {
      try {
        await tryRelease();
      } catch (error) {
        // A renewal that was still under way was written first.
        if (!isConflict(error)) throw error;
        await tryRelease();
      }
    },
  };
}

/** RFC 3339 with six decimals, as MicroTime requires. */
function microTime(date: Date): string {
  return date.toISOString().replace("Z", "000Z");
}
