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
  /** Takes or renews the lease; false when somebody else holds it, or when it is no longer wanted once it was read. */
  tryAcquire(isWanted: () => boolean): Promise<boolean>;
  /** Gives it back, if it is ours. */
  release(): Promise<void>;
}

/**
 * A Lease as a lock. Another's lease counts from when this process saw it change, on its own clock: clocks of machines
 * may differ, and the times in the object are for people.
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
      // The resourceVersion in the object makes this the only write of its moment.
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
        // A renewal that was still under way came first.
        if (!isConflict(error)) throw error;
        await tryRelease();
      }
    },
  };
}

/** RFC 3339 with six decimals, as MicroTime wants it. */
function microTime(date: Date): string {
  return date.toISOString().replace("Z", "000Z");
}
