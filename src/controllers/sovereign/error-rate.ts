import type { BillingRelease } from "../../api/billing-release.ts";
import { ANNOTATION, isFromHub } from "../../api/label.ts";
import { BILLING } from "../../api/name.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { isSameImage } from "../../kube/difference.ts";
import type { Watch } from "../../kube/reconcile.ts";
import { errorMessage } from "../../platform/errors.ts";
import { isRollingOut } from "../billing-release/desired-completion.ts";
import { createMeasurements, type MeasurementPace } from "../measurement.ts";
import { podsOf, type SovereignCaches } from "./cache.ts";
import {
  type ErrorRateVerdict,
  errorRateLimitOf,
  hasErrorRegression,
  judgeErrorRate,
  type RequestTotal,
} from "./desired-error-rate.ts";
import { namespaceOf } from "./desired-metadata.ts";
import { billingImageOf, type PodObject, podOrigin } from "./observed.ts";

/** The answers of one process since it started. `process` identifies it. */
export type RequestCount = RequestTotal & { process: string };

/** The requests that Pods answered, or why they cannot be counted. */
type Baseline = { kind: "counted"; total: RequestTotal } | { kind: "unmeasured"; cause: string };

/**
 * Counts the requests to billing Pods in the background, with limits of its own. As a watch, it enqueues a Sovereign when
 * its verdict changes.
 */
export interface ErrorRates extends Watch {
  /** The answers of an image's Pods so far, read once; undefined until the Pods have answered. */
  baseline(sovereign: Sovereign, image: string): Promise<Baseline | undefined>;
  /** The newest verdict on an image, while a reconcile asks for it; undefined until there is one. */
  verdict(sovereign: Sovereign, image: string, before: RequestTotal): Promise<ErrorRateVerdict | undefined>;
  /** Drops the counts of an image that no longer runs, so that its counts begin at zero when it is tried again. */
  discard(sovereign: string): void;
  forget(sovereign: string): void;
  /** Call it after each reconcile. Counting stops for values that the reconcile did not read. */
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
 * Sovereigns of the newest wave are counted most often, because the pause grows with each count. Of 10,000 Sovereigns that
 * have had the image for some time, 33 are counted per second. Each takes 2.0 to 2.5 ms of processor time (59 KB of metrics,
 * the means of three runs of 80 requests), and 3.6 to 4.4 ms with `fetch`.
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
  /** Reads the request counts of the process at this address. */
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
  /** The counts of each Sovereign's Pods of one image, including deleted Pods. */
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
    // The rollout may have ended since the reconcile that requested the verdict.
    if (!isJudged(caches.sovereigns.get(name) ?? sovereign, release, image)) {
      // The end of a rollout changes no condition, so no Sovereign is enqueued. Otherwise all of them would be reconciled.
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

  /** Keeps the baseline, because a reconcile may wait for the one of the next image. */
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
        // Not read again, even after a failure, because the Sovereign must not wait for Pods that do not answer.
        return { value, isGood: true };
      }),
    verdict: (sovereign, image, before) =>
      verdicts.read(sovereign.metadata.name, image, async (signal) => {
        const value = await judge(sovereign, image, before, signal);
        // Never good, so that it is measured again by itself.
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
 * Whether the requests to this image are counted now: while its rollout is under way, and after that until a share that was
 * too high is within the limit. For a Sovereign that a hub manages, an annotation says that the rollout is under way. It
 * arrives together with the image, while the release on its cluster may still be the earlier one.
 */
export function isJudged(
  sovereign: Sovereign,
  release: BillingRelease | undefined,
  image: string,
): release is BillingRelease {
  if (release === undefined) return false;
  const isUnderWay = isFromHub(sovereign)
    ? sovereign.metadata.annotations?.[ANNOTATION.rollingOut] === image
    : isRollingOut(release, image);
  return isUnderWay || (release.spec.image === image && hasErrorRegression(sovereign.status, image));
}

interface CountedPod {
  uid: string;
  count: RequestCount;
}

/** `ended`: the last known counts of earlier processes of the Pod. */
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
