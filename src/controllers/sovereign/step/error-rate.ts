import { findCondition } from "../../../api/condition.ts";
import { ERROR_RATE_NORMAL } from "../../../api/sovereign.ts";
import { MEASUREMENT_FALLBACK_MS } from "../../measurement.ts";
import type { ReconcileContext } from "../context.ts";
import {
  BASELINE_UNKNOWN,
  desiredErrorRateCondition,
  errorRateLimitOf,
  OTHER_IMAGE,
} from "../desired-error-rate.ts";
import { isJudged } from "../error-rate.ts";
import { recordNews } from "../report.ts";
import { type Stop, waiting } from "../status.ts";

/**
 * Counts the requests to the image that runs, before another one takes its place: afterwards its Pods are gone, and their
 * counts with them. Pods that cannot be asked do not hold up the Sovereign.
 */
export async function recordErrorsBefore(
  { deps, sovereign, findings }: ReconcileContext,
  image: string,
  running: string | undefined,
): Promise<Stop | undefined> {
  const release = deps.caches.releases.get(sovereign.spec.billing.release);
  const isKnown = sovereign.status?.errorRate?.image === image;
  if (running === undefined || running === image || isKnown || !isJudged(release, image)) return undefined;
  const baseline = await deps.errorRates.baseline(sovereign, running);
  if (baseline === undefined)
    return waiting(
      "CountingRequests",
      "the operator counts the requests to the image before",
      MEASUREMENT_FALLBACK_MS,
    );
  findings.facts.errorRate =
    baseline.kind === "counted" ? { image, before: { image: running, ...baseline.total } } : { image };
  return undefined;
}

/** Says in `ErrorRateNormal` whether more requests fail on the image that runs than on the one before. */
export async function observeErrorRate(context: ReconcileContext, image: string): Promise<void> {
  const { deps, sovereign, findings } = context;
  const { errorRate, conditions } = sovereign.status ?? {};
  if (errorRate === undefined) return;
  const release = deps.caches.releases.get(sovereign.spec.billing.release);
  if (errorRate.image !== image) {
    if (findCondition(conditions, ERROR_RATE_NORMAL) !== undefined) findings.conditions.push(OTHER_IMAGE);
    return;
  }
  const { before } = errorRate;
  if (!isJudged(release, image)) return;
  if (before === undefined) {
    findings.conditions.push(BASELINE_UNKNOWN);
    return;
  }
  const verdict = await deps.errorRates.verdict(sovereign, image, before);
  const found = verdict && desiredErrorRateCondition(sovereign, verdict, before, errorRateLimitOf(release));
  if (found === undefined) return;
  if (found.status === "False") recordNews(context, ERROR_RATE_NORMAL, found);
  findings.conditions.push(found);
}
