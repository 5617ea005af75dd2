import type { Sovereign } from "../api/sovereign.ts";
import type { SubscriptionStandings } from "../controllers/organization/controller.ts";
import { SOVEREIGN_INDEX } from "../controllers/sovereign/cache.ts";
import type { KubeClient } from "../kube/client.ts";
import type { EventRecorder } from "../kube/event.ts";
import { keyOf } from "../kube/resource.ts";
import { createWorkQueue } from "../kube/work-queue.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import { isMigrated } from "./billing-environment.ts";
import type { OperatorCaches } from "./cache.ts";
import { createOutboxPass } from "./outbox-pass.ts";
import { createObservedSubscriptions } from "./subscription-standing.ts";

/** Creates an Organization for each order in the outboxes of the fleet. */
export interface OutboxRelay {
  /**
   * Call it when billing has placed an order. Resolves after a pass over the outbox that began after the call: true when
   * every event that was due is delivered. Undefined when no Sovereign with this FQDN runs here.
   */
  notice(fqdn: string): Promise<boolean | undefined>;
  /** Works on outboxes until the signal fires. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Enqueues every outbox periodically, because notices may be lost, and each outbox whose database or Secret changed. Only
   * the leader does this.
   */
  sweep(signal: AbortSignal): Promise<void>;
  /** The subscriptions of Organizations, as the passes of this process read them. */
  subscriptions: SubscriptionStandings;
}

/** Passes that run at the same time, each with one connection. Without a pass, no connection is open. */
const WORKERS = 16;
/** Workers for outboxes whose last pass failed. They are separate, so that failing outboxes never delay the others. */
const RETRY_WORKERS = 4;
const RETRY_BACKOFF = { firstMs: 1_000, maxMs: 300_000 };
/** Another relay holds the lock. It may have read the outbox before the order was placed. */
const LOCKED_RETRY_MS = 500;
/** The least time between two passes over one outbox, however many notices arrive. */
const NOTICE_GAP_MS = 200;
/** Two logins per second at most. A pass with its login takes 2.2 ms of processor time. */
const SWEEP_MS_PER_SOVEREIGN = 500;
const MIN_SWEEP_MS = 10_000;

export function createFleetRelay(deps: {
  client: KubeClient;
  caches: OperatorCaches;
  events: EventRecorder;
  logger: Logger;
  now: () => Date;
}): OutboxRelay {
  const { caches, logger, now } = deps;
  const subscriptions = createObservedSubscriptions({ ...caches, now });
  const outboxes = createOutboxPass({ ...deps, subscriptions });
  const due = createWorkQueue();
  const retries = createWorkQueue({ backoff: RETRY_BACKOFF });
  const failing = new Set<string>();
  const waiting = new Map<string, ((isDelivered: boolean) => void)[]>();
  const endedAtMs = new Map<string, number>();
  let shutdown: AbortSignal | undefined;

  const enqueue = (name: string, afterMs = 0) => (failing.has(name) ? retries : due).addAfter(name, afterMs);

  function forget(name: string): void {
    outboxes.forget(name);
    failing.delete(name);
    retries.forget(name);
    endedAtMs.delete(name);
  }

  function recover(name: string): void {
    if (!failing.delete(name)) return;
    retries.forget(name);
    logger.info({ sovereign: name }, "the outbox can be relayed again");
  }

  function fail(name: string, error: unknown): void {
    if (shutdown?.aborted) return;
    // One line for each outage, not one for each attempt.
    if (!failing.has(name))
      logger.warn(
        { sovereign: name, reason: errorMessage(error) },
        "the outbox cannot be relayed; it is tried again",
      );
    failing.add(name);
    retries.addRateLimited(name);
  }

  async function pass(name: string): Promise<void> {
    const answers = waiting.get(name) ?? [];
    waiting.delete(name);
    let isDelivered = false;
    try {
      const outcome = await outboxes.relay(name, shutdown ?? AbortSignal.abort());
      if (outcome?.kind === "sink-unavailable")
        throw new Error("the API server does not accept Organizations");
      isDelivered = outcome?.kind === "drained" && outcome.dueInMs === undefined;
      recover(name);
      if (outcome?.kind === "locked") enqueue(name, LOCKED_RETRY_MS);
      if (outcome?.kind === "drained" && outcome.dueInMs !== undefined) enqueue(name, outcome.dueInMs);
    } catch (error) {
      fail(name, error);
    } finally {
      // The Sovereign may be deleted during the pass.
      if (caches.sovereigns.get(name) === undefined) forget(name);
      else endedAtMs.set(name, performance.now());
      for (const answer of answers) answer(isDelivered);
    }
  }

  return {
    subscriptions,

    async notice(fqdn) {
      const names = caches.sovereigns
        .byIndex(SOVEREIGN_INDEX.fqdn, fqdn)
        .filter(isMigrated)
        .map(({ metadata }) => metadata.name);
      const [name] = names;
      if (name === undefined) return undefined;
      if (shutdown?.aborted !== false) return false;
      return new Promise((resolve) => {
        waiting.set(name, [...(waiting.get(name) ?? []), resolve]);
        enqueue(name, (endedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) + NOTICE_GAP_MS - performance.now());
      });
    },

    async run(signal) {
      shutdown = signal;
      caches.sovereigns.onChange(({ kind, object }) => {
        if (kind === "deleted") forget(object.metadata.name);
      }, signal);
      await Promise.all([due.run(pass, WORKERS, signal), retries.run(pass, RETRY_WORKERS, signal)]);
      for (const answers of waiting.values()) for (const answer of answers) answer(false);
      waiting.clear();
    },

    async sweep(signal) {
      watchChanges(caches, enqueue, signal);
      while (!signal.aborted) {
        const names = shuffled(caches.sovereigns.list().filter(isMigrated));
        const stepMs = Math.max(SWEEP_MS_PER_SOVEREIGN, MIN_SWEEP_MS / Math.max(1, names.length));
        for (const name of names) {
          if (signal.aborted) return;
          enqueue(name);
          await sleep(stepMs * (0.5 + Math.random()), signal);
        }
        if (names.length === 0) await sleep(MIN_SWEEP_MS, signal);
      }
    },
  };
}

/** Shuffles the names, so that the Sovereigns of one database server are not read in a row. */
function shuffled(sovereigns: readonly Sovereign[]): string[] {
  return sovereigns
    .map(({ metadata }) => ({ name: metadata.name, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ name }) => name);
}

/** Enqueues a Sovereign when its database becomes usable, and when its Secret may name another database. */
function watchChanges(caches: OperatorCaches, enqueue: (name: string) => void, signal: AbortSignal): void {
  let isReplay = true;
  caches.sovereigns.onChange((event) => {
    const wasMigrated = event.kind === "updated" && isMigrated(event.previous);
    if (!isReplay && event.kind !== "deleted" && isMigrated(event.object) && !wasMigrated)
      enqueue(event.object.metadata.name);
  }, signal);
  caches.secretVersions.onChange(({ object }) => {
    if (isReplay) return;
    for (const { metadata } of caches.sovereigns.byIndex(SOVEREIGN_INDEX.secret, keyOf(object.metadata)))
      enqueue(metadata.name);
  }, signal);
  isReplay = false;
}
