import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import type { KubeClient, Leadership } from "./client.ts";
import { isAlreadyExists, isConflict } from "./error.ts";
import { createLeaseLock } from "./lease-lock.ts";
import type { ObjectKey } from "./resource.ts";

/**
 * The duration of a lease, the time after which a leader without a renewal steps down, and the pause between two attempts.
 */
export interface LeaseTimes {
  leaseMs: number;
  renewDeadlineMs: number;
  retryMs: number;
}

export const LEASE_TIMES: LeaseTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

/**
 * How often a standby reads the Lease. With 700 ms, it took 1.2 s on a busy machine from a leader's SIGTERM until the next
 * leader acted on an edit.
 */
const STANDBY_LOOK_MS = 400;
/** A standby also reads the Lease when it expires. This minimum prevents a hot loop. */
const MIN_PAUSE_MS = 20;

export interface ElectionClock {
  now(): Date;
  /** Milliseconds of a clock that never runs backwards. */
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
   * Runs while this process leads. It must end soon after its signal fires. When it returns early, the leadership ends.
   * `leadership` is for the client that writes. In a process that resumes after a freeze, it forbids writes before any
   * timer runs. It still allows the last writes of a process that shuts down.
   */
  lead(signal: AbortSignal, leadership: Leadership): Promise<void>;
  logger: Logger;
  signal: AbortSignal;
  times?: LeaseTimes;
  clock?: ElectionClock;
}

/**
 * Leads whenever it can acquire the Lease, until the signal fires. Then it releases the Lease, so that a standby can lead
 * at once. A leader counts from the moment at which it sent its last successful renewal, and stops before another process
 * may acquire the Lease.
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
        logger.warn({ error: errorMessage(error) }, "the Lease cannot be read or written");
      return false;
    }
  }

  /** Leads until a renewal is late, `lead` returns, or the signal fires. */
  async function serveTerm(firstSentAt: Moment): Promise<void> {
    let renewedAt = firstSentAt;
    const stepDown = new AbortController();
    const isOver = () => signal.aborted || stepDown.signal.aborted;
    const term = AbortSignal.any([signal, stepDown.signal]);
    const leftMs = () => times.renewDeadlineMs - elapsedSince(renewedAt, clock);

    // During a shutdown, this process still holds the Lease, so a running reconcile may make its last write.
    const mayWrite = () => !stepDown.signal.aborted && leftMs() > 0;
    const work = lead(term, { mayWrite, lost: stepDown.signal })
      .catch((error: unknown) =>
        logger.error({ error: errorMessage(error) }, "leading failed: this process steps down"),
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
        if (leftMs() <= 0) continue;
        if (await acquired(() => !isOver())) renewedAt = sentAt;
        else if (lock.expiresInMs() !== undefined) {
          logger.warn({ identity }, "another process holds the Lease: this process steps down");
          stepDown.abort();
        }
      }
    }

    // Not awaited, because a renewal that hangs must not delay the end. A late renewal does not take the Lease again:
    // either it sees that the Lease is no longer wanted, or its write conflicts with the release.
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
        .catch((error: unknown) => logger.warn({ error: errorMessage(error) }, "the Lease was not released"));
    }
    // Adds up to a fifth of jitter, so that processes that start together do not try together.
    const pauseMs = Math.min(times.retryMs, STANDBY_LOOK_MS) * (1 + Math.random() * 0.2);
    const leftMs = lock.expiresInMs() ?? pauseMs;
    await clock.sleep(Math.min(pauseMs, Math.max(leftMs, MIN_PAUSE_MS)), signal);
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
 * The longer of the times that two clocks measured. The monotonic clock stops while a machine is suspended, and the wall
 * clock may be set back. A wall clock that jumps forward only causes an unnecessary election.
 */
function elapsedSince({ wall, monotonic }: Moment, clock: ElectionClock): number {
  return Math.max(clock.now().getTime() - wall, clock.monotonic() - monotonic);
}
