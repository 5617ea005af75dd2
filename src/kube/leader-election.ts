import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import type { Fence, KubeClient } from "./client.ts";
import { isAlreadyExists, isConflict } from "./error.ts";
import { createLeaseLock } from "./lease-lock.ts";
import type { ObjectKey } from "./resource.ts";

/** How long a lease holds, how long a leader tries to renew before it steps down, and how often all try. */
export interface LeaseTimes {
  leaseMs: number;
  renewDeadlineMs: number;
  retryMs: number;
}

export const LEASE_TIMES: LeaseTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

export interface ElectionClock {
  now(): Date;
  /** Milliseconds that never run backwards. */
  monotonic(): number;
  /** Ends early when the signal fires; never rejects. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
}

const SYSTEM_CLOCK: ElectionClock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep,
};

export interface LeaderElectionOptions {
  client: KubeClient;
  lease: ObjectKey;
  /** Unique to this process. */
  identity: string;
  /**
   * Runs while this process leads; must end soon after its signal fires, and returning early gives the lead up.
   * `fence` is for the client that writes: it says no as soon as a process that was frozen wakes up, before any timer has
   * run, and holds nothing back while the process merely shuts down.
   */
  lead(signal: AbortSignal, fence: Fence): Promise<void>;
  logger: Logger;
  signal: AbortSignal;
  times?: LeaseTimes;
  clock?: ElectionClock;
}

/**
 * Leads whenever it can get the Lease, until the signal fires; then releases it, so that a standby need not wait.
 * A leader counts from when it sent its last good renewal, and stops well before any other may count it out.
 */
export async function runLeaderElection(options: LeaderElectionOptions): Promise<void> {
  const {
    client,
    lease,
    identity,
    lead,
    logger,
    signal,
    times = LEASE_TIMES,
    clock = SYSTEM_CLOCK,
  } = options;
  const lock = createLeaseLock({ client, lease, identity, leaseMs: times.leaseMs, clock });

  async function acquired(isWanted: () => boolean): Promise<boolean> {
    try {
      return await lock.tryAcquire(isWanted);
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error))
        logger.warn({ error: errorMessage(error) }, "the lease cannot be read or written");
      return false;
    }
  }

  /** From the first renewal to the last, which came too late, failed for too long, or was not wanted any more. */
  async function serveTerm(firstSentAt: Moment): Promise<void> {
    let renewedAt = firstSentAt;
    const stepDown = new AbortController();
    const isOver = () => signal.aborted || stepDown.signal.aborted;
    const term = AbortSignal.any([signal, stepDown.signal]);
    const leftMs = () => times.renewDeadlineMs - elapsedSince(renewedAt, clock);

    // While it shuts down the lease is still ours: what is under way may end with its last write.
    const mayWrite = () => !stepDown.signal.aborted && leftMs() > 0;
    const work = lead(term, { mayWrite, lost: stepDown.signal })
      .catch((error: unknown) =>
        logger.error({ error: errorMessage(error) }, "leading failed; stepping down"),
      )
      .finally(() => stepDown.abort());

    async function watchDeadline(): Promise<void> {
      while (!stepDown.signal.aborted && leftMs() > 0) await clock.sleep(leftMs(), stepDown.signal);
      stepDown.abort();
    }

    async function renew(): Promise<void> {
      while (!isOver()) {
        await clock.sleep(times.retryMs, term);
        if (isOver()) return;
        const sentAt = momentOf(clock);
        if (leftMs() > 0 && (await acquired(() => !isOver()))) renewedAt = sentAt;
      }
    }

    // Not waited for: a renewal that hangs must not hold up the end. One that reads the lease late takes it no more, and
    // one that read it before the release cannot write any more.
    void renew();
    await Promise.all([watchDeadline(), work]);
  }

  while (!signal.aborted) {
    const sentAt = momentOf(clock);
    if (await acquired(() => !signal.aborted)) {
      logger.info({ identity }, "leading");
      await serveTerm(sentAt);
      logger.info({ identity }, "no longer leading");
      await lock
        .release()
        .catch((error: unknown) => logger.warn({ error: errorMessage(error) }, "the lease was not released"));
    }
    // A fifth of jitter: candidates that were started together do not stay together.
    await clock.sleep(times.retryMs * (1 + Math.random() * 0.2), signal);
  }
}

interface Moment {
  wall: number;
  monotonic: number;
}

const momentOf = (clock: ElectionClock): Moment => ({
  wall: clock.now().getTime(),
  monotonic: clock.monotonic(),
});

/**
 * By the clock that ran further: the monotonic one stands still while a machine is suspended, the other may be set back.
 * A clock that jumps forward costs a needless election, which is harmless.
 */
function elapsedSince({ wall, monotonic }: Moment, clock: ElectionClock): number {
  return Math.max(clock.now().getTime() - wall, clock.monotonic() - monotonic);
}
