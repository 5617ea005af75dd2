import { type Condition, findCondition } from "../../../api/condition.ts";
import { ERROR_RATE_NORMAL, type SovereignStatus } from "../../../api/sovereign.ts";
import { MEASUREMENT_FALLBACK_MS } from "../../measurement.ts";
import type { ReconcileContext } from "../context.ts";
import {
  BASELINE_UNKNOWN,
  desiredErrorRateCondition,
  errorRateLimitOf,
  hasErrorRegression,
  OTHER_IMAGE,
} from "../desired-error-rate.ts";
import { isJudged } from "../error-rate.ts";
import { recordNewReason } from "../report.ts";
import { type Stop, waiting } from "../status.ts";

/**
 * Counts the requests to the running image before another one replaces it, because the counts are lost with its Pods. Pods
 * that cannot be asked do not delay the Sovereign.
 */
export async function recordErrorsBefore(
  context: ReconcileContext,
  image: string,
  running: string | undefined,
): Promise<Stop | undefined> {
  const { deps, sovereign } = context;
  const { status } = sovereign;
  const release = deps.caches.releases.get(sovereign.spec.billing.release);
  const isKnown = status?.errorRate?.image === image;
  if (running === undefined || running === image || isKnown || !isJudged(sovereign, release, image))
    return undefined;
  if (hasErrorRegression(status, running)) {
    // Do not compare with an image on which too many requests fail. Keep the counts of the image before that one.
    recordBaseline(context, { ...status?.errorRate, image });
    return undefined;
  }
  const baseline = await deps.errorRates.baseline(sovereign, running);
  if (baseline === undefined)
    return waiting(
      "CountingRequests",
      "the operator counts the requests to the previous image",
      MEASUREMENT_FALLBACK_MS,
    );
  const counted = baseline.kind === "counted" ? { before: { image: running, ...baseline.total } } : {};
  recordBaseline(context, { image, ...counted });
  return undefined;
}

/** The new image may run by the end of this reconcile. Findings about an earlier image must not count for it. */
function recordBaseline(
  { sovereign, findings }: ReconcileContext,
  errorRate: NonNullable<SovereignStatus["errorRate"]>,
): void {
  findings.facts.errorRate = errorRate;
  findings.conditions.push(...withdrawn(sovereign.status?.conditions));
}

/** Sets `ErrorRateNormal`: whether more requests fail on the running image than on the one before. */
export async function observeErrorRate(context: ReconcileContext, image: string): Promise<void> {
  const { deps, sovereign, findings } = context;
  const { errorRate, conditions } = sovereign.status ?? {};
  if (errorRate === undefined) return;
  const release = deps.caches.releases.get(sovereign.spec.billing.release);
  if (errorRate.image !== image) {
    deps.errorRates.discard(sovereign.metadata.name);
    findings.conditions.push(...withdrawn(conditions));
    return;
  }
  const { before } = errorRate;
  if (!isJudged(sovereign, release, image)) return;
  if (before === undefined) {
    findings.conditions.push(BASELINE_UNKNOWN);
    return;
  }
  const verdict = await deps.errorRates.verdict(sovereign, image, before);
  const found = verdict && desiredErrorRateCondition(sovereign, verdict, before, errorRateLimitOf(release));
  if (found === undefined) return;
  if (found.status === "False") recordNewReason(context, ERROR_RATE_NORMAL, found);
  findings.conditions.push(found);
}

const withdrawn = (conditions: readonly Condition[] | undefined) =>
  findCondition(conditions, ERROR_RATE_NORMAL) === undefined ? [] : [OTHER_IMAGE];
