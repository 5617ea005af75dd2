import type { BillingRelease } from "../../api/billing-release.ts";
import { ANNOTATION, isFromHub } from "../../api/label.ts";
import { BILLING } from "../../api/name.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { isSameImage } from "../../kube/difference.ts";
import type { Watch } from "../../kube/reconcile.ts";
import { errorMessage } from "../../platform/errors.ts";
import { isRolloutComplete } from "../billing-release/desired-completion.ts";
import { createMeasurements, type MeasurementPace } from "../measurement.ts";
import { podsOf, type SovereignCaches } from "./cache.ts";
import {
  type ErrorRateVerdict,
  errorRateLimitOf,
  judgeErrorRate,
  type RequestTotal,
} from "./desired-error-rate.ts";
import { namespaceOf } from "./desired-metadata.ts";
import { billingImageOf, type PodObject, podOrigin } from "./observed.ts";

/** What one process answered since it started. `process` identifies it. */
export type RequestCount = RequestTotal & { process: string };

/** The requests that Pods answered, or why they cannot be counted. */
type Baseline = { kind: "counted"; total: RequestTotal } | { kind: "unmeasured"; cause: string };

/**
 * Counts the requests to billing Pods, beside the reconcile and with a budget of its own. As a watch, it enqueues a Sovereign
 * when there is another verdict.
 */
export interface ErrorRates extends Watch {
  /** What the Pods of an image have answered, read once; undefined while the Pods are asked. */
  baseline(sovereign: Sovereign, image: string): Promise<Baseline | undefined>;
  /** The newest verdict on an image, while a reconcile asks for it; undefined until there is one. */
  verdict(sovereign: Sovereign, image: string, before: RequestTotal): Promise<ErrorRateVerdict | undefined>;
  /** Drops what was counted of an image that does not run: when it is tried again, its count begins at zero. */
  discard(sovereign: string): void;
  forget(sovereign: string): void;
  /** Call it after each reconcile: what the reconcile did not ask for is counted no longer. */
  endReconcile(sovereign: string): void;
}

const BASELINE_PACE: MeasurementPace = {
  deadlineMs: 5_000,
  graceMs: 200,
  firstRetryMs: 1_000,
  maxRetryMs: 1_000,
  concurrency: 16,
  retryConcurrency: 8,
};

/**
 * The Sovereigns of the newest wave are counted most often. Of 10,000 that have the image, 33 are counted in a second. Each takes
 * the operator about 2 ms.
 */
const VERDICT_PACE: MeasurementPace = {
  deadlineMs: 5_000,
  graceMs: 0,
  firstRetryMs: 15_000,
  maxRetryMs: 300_000,
  concurrency: 16,
  retryConcurrency: 16,
};

export function createErrorRates(deps: {
  caches: Pick<SovereignCaches, "sovereigns" | "releases" | "pods">;
  /** Reads what the process at this address has answered. */
  readRequests(baseUrl: string, signal: AbortSignal): Promise<RequestCount>;
  now: () => Date;
  pace?: Partial<MeasurementPace>;
}): ErrorRates {
  const { caches, readRequests, now } = deps;
  const describe = ({ kind }: Baseline | ErrorRateVerdict) => kind;
  const baselines = createMeasurements<Baseline>({ pace: BASELINE_PACE, describe, now });
  const verdicts = createMeasurements<ErrorRateVerdict>({
    ...{ pace: { ...VERDICT_PACE, ...deps.pace }, describe, now },
  });
  /** What each Sovereign's Pods of one image answered, also those that are gone. */
  const totals = new Map<string, { image: string; pods: Map<string, PodTotal> }>();

  async function count(sovereign: Sovereign, image: string, signal: AbortSignal): Promise<CountedPod[]> {
    const pods = podsOf(caches, namespaceOf(sovereign), BILLING.workload).flatMap((pod) => {
      const baseUrl = isSameImage(billingImageOf(pod), image) ? podOrigin(pod, BILLING.port) : undefined;
      return baseUrl === undefined ? [] : [{ pod, baseUrl }];
    });
    if (pods.length === 0) throw new Error("no billing Pod of the image has an address");
    const read = await Promise.allSettled(
      pods.map(async ({ pod, baseUrl }) => ({ uid: uidOf(pod), count: await readRequests(baseUrl, signal) })),
    );
    const counted = read.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const [failed] = read.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    if (counted.length === 0) throw failed;
    return counted;
  }

  async function judge(
    sovereign: Sovereign,
    image: string,
    before: RequestTotal,
    signal: AbortSignal,
  ): Promise<ErrorRateVerdict> {
    const { name } = sovereign.metadata;
    const release = caches.releases.get(sovereign.spec.billing.release);
    // The hub may have ended the rollout since the reconcile that asked for the verdict.
    if (!isJudged(caches.sovereigns.get(name) ?? sovereign, release, image)) {
      // The end of a rollout changes no condition: to enqueue here would reconcile every Sovereign.
      stopCounting(name);
      return { kind: "tooFew" };
    }
    try {
      const counted = await count(sovereign, image, signal);
      return judgeErrorRate(totalWith(name, image, counted), before, errorRateLimitOf(release));
    } catch (error) {
      return { kind: "unmeasured", cause: errorMessage(error) };
    }
  }

  function totalWith(name: string, image: string, counted: readonly CountedPod[]): RequestTotal {
    const known = totals.get(name);
    const { pods } = known?.image === image ? known : { pods: new Map<string, PodTotal>() };
    for (const { uid, count: newest } of counted) pods.set(uid, nextPodTotal(pods.get(uid), newest));
    totals.set(name, { image, pods });
    return sumOf([...pods.values()].flatMap(({ ended, newest }) => [ended, newest]));
  }

  /** A baseline stays: a reconcile may wait for that of the next image. */
  function stopCounting(sovereign: string): void {
    verdicts.forget(sovereign);
    totals.delete(sovereign);
  }

  return {
    connect(enqueue, signal) {
      baselines.connect(enqueue, signal);
      verdicts.connect(enqueue, signal);
    },
    baseline: (sovereign, image) =>
      baselines.read(sovereign.metadata.name, image, async (signal) => {
        const value = await count(sovereign, image, signal).then(
          (counted): Baseline => ({ kind: "counted", total: sumOf(counted.map((each) => each.count)) }),
          (error): Baseline => ({ kind: "unmeasured", cause: errorMessage(error) }),
        );
        // It is read once: the Sovereign must not wait for Pods that do not answer.
        return { value, isGood: true };
      }),
    verdict: (sovereign, image, before) =>
      verdicts.read(sovereign.metadata.name, image, async (signal) => {
        const value = await judge(sovereign, image, before, signal);
        // What is not good is measured again by itself.
        return { value, isGood: false };
      }),
    discard: (sovereign) => void totals.delete(sovereign),
    forget(sovereign) {
      baselines.forget(sovereign);
      stopCounting(sovereign);
    },
    endReconcile(sovereign) {
      baselines.endReconcile(sovereign);
      verdicts.endReconcile(sovereign);
    },
  };
}

/**
 * Whether the error rate of this image decides on a rollout now. On a cluster of its own, the Sovereign says so together with the
 * image. The release there may be older than the image.
 */
export function isJudged(
  sovereign: Sovereign,
  release: BillingRelease | undefined,
  image: string,
): release is BillingRelease {
  if (release === undefined) return false;
  if (isFromHub(sovereign)) return sovereign.metadata.annotations?.[ANNOTATION.rollingOut] === image;
  return release.spec.image === image && !isRolloutComplete(release);
}

interface CountedPod {
  uid: string;
  count: RequestCount;
}

/** `ended`: what earlier processes of the Pod had answered when they were last read. */
interface PodTotal {
  ended: RequestTotal;
  newest: RequestCount;
}

function nextPodTotal(before: PodTotal | undefined, newest: RequestCount): PodTotal {
  if (before === undefined) return { ended: sumOf([]), newest };
  const isRestarted = before.newest.process !== newest.process;
  return { ended: isRestarted ? sumOf([before.ended, before.newest]) : before.ended, newest };
}

function sumOf(totals: readonly RequestTotal[]): RequestTotal {
  return totals.reduce(
    (sum, { requests, serverErrors }) => ({
      requests: sum.requests + requests,
      serverErrors: sum.serverErrors + serverErrors,
    }),
    { requests: 0, serverErrors: 0 },
  );
}

const uidOf = ({ metadata }: PodObject): string => metadata.uid ?? metadata.name;
