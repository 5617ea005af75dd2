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
  /** The time until another holder's lease ends, according to the last read; undefined when no other process holds it. */
  expiresInMs(): number | undefined;
  /** Releases the Lease if this process holds it. */
  release(): Promise<void>;
}

/**
 * The largest share of a lease by which the holder's clock may move the start of the lease back. The holder stops long
 * before the end.
 */
const MAX_CREDIT = 0.1;

/**
 * The longest lease of another holder that counts, as a multiple of the own. Without this limit, an edit of
 * `leaseDurationSeconds` could leave the cluster without a leader.
 */
const MAX_LEASES = 4;
/** The duration that a holder writes when it releases its Lease. */
const RELEASED_SECONDS = 1;

/**
 * Uses a Lease as a lock. The duration of another holder's lease starts when this process sees the Lease change, by its own
 * clock, because the clocks of machines may differ. The holder's own renewal time counts only within the time since the
 * previous read. A late read therefore does not make the lease longer, and a wrong clock does not end it. A Lease that was
 * deleted, or that lost its holder without a release, still counts until its end, because its holder may still lead.
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
  let lookedAt: number | undefined;
  let endsAt: number | undefined;

  /** How long ago the holder renewed the lease that was just read. */
  function renewalAgeMs(renewTime: string | undefined): number {
    const sinceLastLook = lookedAt === undefined ? 0 : clock.monotonic() - lookedAt;
    const age = clock.now().getTime() - Date.parse(renewTime ?? "");
    return Math.max(0, Math.min(Number.isNaN(age) ? 0 : age, sinceLastLook, leaseMs * MAX_CREDIT));
  }

  /** The end of another holder's lease, by this process's monotonic clock. */
  function endOf({
    holderIdentity,
    renewTime,
    leaseDurationSeconds = 0,
  }: NonNullable<Lease["spec"]>): number {
    const renewal = `${holderIdentity} ${renewTime}`;
    if (seen?.renewal !== renewal) seen = { renewal, at: clock.monotonic() - renewalAgeMs(renewTime) };
    return seen.at + Math.min(Math.max(leaseMs, leaseDurationSeconds * 1000), MAX_LEASES * leaseMs);
  }

  function observe(spec: NonNullable<Lease["spec"]>): void {
    const { holderIdentity: holder = "", leaseDurationSeconds } = spec;
    if (holder !== "") endsAt = holder === identity ? undefined : endOf(spec);
    else if (leaseDurationSeconds === RELEASED_SECONDS) endsAt = undefined;
    lookedAt = clock.monotonic();
  }

  async function tryRelease(): Promise<void> {
    const live = await client.get<Lease>(LEASES, key);
    if (live?.spec?.holderIdentity !== identity) return;
    await client.replace<Lease>(LEASES, {
      ...live,
      spec: {
        ...live.spec,
        holderIdentity: "",
        leaseDurationSeconds: RELEASED_SECONDS,
        renewTime: microTime(clock.now()),
      },
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
      observe(live?.spec ?? {});
      if (endsAt !== undefined && clock.monotonic() < endsAt) return false;
      if (live === undefined) {
        await client.create<Lease>(LEASES, {
          apiVersion: "coordination.k8s.io/v1",
          kind: "Lease",
          metadata: key,
          spec: { ...spec, acquireTime: at, leaseTransitions: 0 },
        });
        endsAt = undefined;
        return true;
      }
      const isOurs = live.spec?.holderIdentity === identity;
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
      endsAt = undefined;
      return true;
    },
    expiresInMs: () => (endsAt === undefined ? undefined : endsAt - clock.monotonic()),
    async release() {
      try {
        await tryRelease();
      } catch (error) {
        // A renewal that was still running was stored first.
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
