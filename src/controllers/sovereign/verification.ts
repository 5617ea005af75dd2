import { BILLING } from "../../api/name.ts";
import { isOperated, type Sovereign } from "../../api/sovereign.ts";
import type { Watch } from "../../kube/reconcile.ts";
import type { Logger } from "../../platform/log.ts";
import { createSemaphore } from "../../platform/semaphore.ts";
import { sleep } from "../../platform/shutdown.ts";
import { podsOf, type SovereignCaches } from "./cache.ts";
import { namespaceOf } from "./desired-metadata.ts";
import { isReadyPod, podOrigin } from "./observed.ts";

/**
 * Checks periodically whether the last verification is still valid. The requests need no token and leave no record. A Pod's
 * API changes only with a new Pod, which gets a smoke test. The schema can change at any time, so one ready Pod of each
 * Sovereign is asked for its fingerprint. As a watch, it enqueues a Sovereign that needs another smoke test.
 */
export interface Verification extends Watch {
  /** Whether the last smoke test no longer counts. */
  needsSmokeTest(sovereign: string): boolean;
  /** Call it when a smoke test begins, and when the Sovereign is deleted. */
  clear(sovereign: string): void;
}

/** Each Sovereign is checked this often in a fleet of up to 1,500. */
const EVERY_MS = 300_000;
/**
 * At most five Sovereigns are checked per second. A check takes 1.3 to 1.5 ms of processor time. A fleet of 10,000 takes 33
 * minutes.
 */
const MIN_STEP_MS = 200;
/**
 * Answers that are awaited at the same time. Pods that hang occupy some of these places, and the round continues with the
 * others.
 */
const CONCURRENCY = 64;

export function createVerification(deps: {
  caches: Pick<SovereignCaches, "sovereigns" | "pods">;
  /** The schema that the billing service at this address serves. Has its own time limit. */
  readSchema: (baseUrl: string, signal: AbortSignal) => Promise<{ fingerprint: string }>;
  logger: Logger;
  pace?: { everyMs: number; minStepMs: number };
}): Verification {
  const { caches, readSchema, logger, pace = { everyMs: EVERY_MS, minStepMs: MIN_STEP_MS } } = deps;
  const outdated = new Set<string>();
  const budget = createSemaphore({ permits: CONCURRENCY, maxWaiting: 0 });

  async function verify(sovereign: Sovereign, baseUrl: string, signal: AbortSignal): Promise<boolean> {
    const served = await readSchema(baseUrl, signal).catch(() => undefined);
    return served?.fingerprint === sovereign.status?.schemaFingerprint;
  }

  async function look(
    name: string,
    enqueue: (sovereign: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const sovereign = caches.sovereigns.get(name);
    if (sovereign === undefined || !isTested(sovereign)) return;
    const pods = podsOf(caches, namespaceOf(sovereign), BILLING.workload).filter(isReadyPod);
    const pod = pods[Math.floor(Math.random() * pods.length)];
    // Without a ready Pod, condition RolledOut reports it.
    const baseUrl = pod && podOrigin(pod, BILLING.port);
    if (baseUrl === undefined || (await verify(sovereign, baseUrl, signal)) || signal.aborted) return;
    // The Sovereign may be deleted during the check.
    if (outdated.has(name) || caches.sovereigns.get(name) === undefined) return;
    outdated.add(name);
    logger.info({ sovereign: name }, "a Pod does not serve the schema that was verified: testing again");
    enqueue(name);
  }

  async function round(enqueue: (sovereign: string) => void, signal: AbortSignal): Promise<void> {
    const names = caches.sovereigns
      .list()
      .filter(isTested)
      .map(({ metadata }) => metadata.name);
    const stepMs = Math.max(pace.minStepMs, pace.everyMs / Math.max(1, names.length));
    for (const name of names) {
      await sleep(stepMs * (0.5 + Math.random()), signal);
      if (signal.aborted) return;
      // When all places are taken, this Sovereign is checked in the next round.
      void budget.run(() => look(name, enqueue, signal)).catch(() => undefined);
    }
    if (names.length === 0) await sleep(pace.everyMs, signal);
  }

  return {
    connect(enqueue, signal) {
      const rounds = async () => {
        while (!signal.aborted) await round(enqueue, signal);
      };
      void rounds();
    },
    needsSmokeTest: (sovereign) => outdated.has(sovereign),
    clear: (sovereign) => void outdated.delete(sovereign),
  };
}

const isTested = (sovereign: Sovereign): boolean =>
  isOperated(sovereign) && sovereign.status?.lastSmokeTest?.passed === true;
