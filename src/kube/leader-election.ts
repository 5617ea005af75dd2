import type { KubernetesObject } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import type { KubeClient } from "./client.ts";
import { isAlreadyExists, isConflict } from "./error.ts";
import { LEASES, type ObjectKey } from "./resource.ts";

/** How long a lease holds, how long a leader tries to renew before it steps down, and how often all try. */
export interface LeaseTimes {
  leaseMs: number;
  renewDeadlineMs: number;
  retryMs: number;
}

export const LEASE_TIMES: LeaseTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

interface Lease extends KubernetesObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface LeaderElectionOptions {
  client: KubeClient;
  lease: ObjectKey;
  /** Unique to this process. */
  identity: string;
  /** Runs while this process leads; must end soon after its signal fires. */
  lead(signal: AbortSignal): Promise<void>;
  logger: Logger;
  signal: AbortSignal;
  times?: LeaseTimes;
  now?: () => Date;
  /** Milliseconds that never run backwards. */
  monotonic?: () => number;
}

/**
 * Leads whenever it can get the Lease, until the signal fires; then releases it, so that a standby need not wait.
 * Another's lease counts from when this process saw it change, on its own clock: clocks of machines may differ.
 */
export async function runLeaderElection(options: LeaderElectionOptions): Promise<void> {
  const { client, lease: key, identity, lead, logger, signal, times = LEASE_TIMES } = options;
  const { now = () => new Date(), monotonic = () => performance.now() } = options;
  let seen: { renewal: string; at: number } | undefined;

  /** Takes or renews the lease; false when somebody else holds it. */
  async function tryAcquire(): Promise<boolean> {
    const at = microTime(now());
    const live = await client.get<Lease>(LEASES, key);
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(times.leaseMs / 1000),
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
    if (seen?.renewal !== renewal) seen = { renewal, at: monotonic() };
    const lastsMs = (live.spec?.leaseDurationSeconds ?? 0) * 1000;
    if (holder !== identity && holder !== "" && monotonic() - seen.at < lastsMs) return false;
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
  }

  async function attempt(): Promise<boolean> {
    try {
      return await tryAcquire();
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error)) {
        logger.warn({ error: errorMessage(error) }, "the lease cannot be read or written");
      }
      return false;
    }
  }

  async function release(): Promise<void> {
    const live = await client.get<Lease>(LEASES, key);
    if (live?.spec?.holderIdentity !== identity) return;
    await client.replace<Lease>(LEASES, {
      ...live,
      spec: { ...live.spec, holderIdentity: "", leaseDurationSeconds: 1 },
    });
  }

  const jitteredRetry = () => sleep(times.retryMs * (1 + Math.random() * 0.2), signal);

  while (!signal.aborted) {
    const acquiringAt = monotonic();
    if (!(await attempt())) {
      await jitteredRetry();
      continue;
    }
    logger.info({ identity }, "leading");
    const leadership = new AbortController();
    const leading = lead(AbortSignal.any([signal, leadership.signal])).catch((error: unknown) => {
      logger.error({ error: errorMessage(error) }, "leading failed; stepping down");
      leadership.abort();
    });
    // Steps down before anybody else may think the lease expired, also when a renewal hangs. A lease counts from
    // when its renewal was sent, not answered.
    const stepDownAt = (startedAt: number) =>
      setTimeout(() => leadership.abort(), times.renewDeadlineMs - (monotonic() - startedAt));
    let deadline = stepDownAt(acquiringAt);
    while (!signal.aborted && !leadership.signal.aborted) {
      await sleep(times.retryMs, AbortSignal.any([signal, leadership.signal]));
      const startedAt = monotonic();
      if (!signal.aborted && !leadership.signal.aborted && (await attempt())) {
        clearTimeout(deadline);
        deadline = stepDownAt(startedAt);
      }
    }
    clearTimeout(deadline);
    await leading;
    logger.info({ identity }, "no longer leading");
    await release().catch((error: unknown) =>
      logger.warn({ error: errorMessage(error) }, "the lease was not released"),
    );
    if (!signal.aborted) await jitteredRetry();
  }
}

/** RFC 3339 with six decimals, as MicroTime wants it. */
function microTime(date: Date): string {
  return date.toISOString().replace("Z", "000Z");
}
