import type { BillingRelease } from "../../api/billing-release.ts";
import { findCondition, type NewCondition } from "../../api/condition.ts";
import { ERROR_RATE_DEFAULT, type ErrorRateLimit } from "../../api/rollout.ts";
import { ERROR_RATE_NORMAL, type Sovereign, type SovereignStatus } from "../../api/sovereign.ts";

/** The answers of one image's billing Pods. Counts instead of rates, because counts need no clock. */
export interface RequestTotal {
  requests: number;
  /** How many of them were answered with a 5xx status. */
  serverErrors: number;
}

/** The verdict on the image that a Sovereign took, from the answers of its Pods. */
export type ErrorRateVerdict =
  | { kind: "within" }
  | { kind: "tooFew" }
  | { kind: "regressed"; total: RequestTotal }
  /** `cause` is not compared, because it differs at each try. */
  | { kind: "unmeasured"; cause: string };

export const ERROR_RATE_REGRESSED = "ErrorRateRegressed";

/**
 * Compares the share of 5xx answers with that of the previous image. Below `minRequests` there is no verdict, because a few
 * requests prove nothing. If the previous image answered fewer, the missing requests count as answered without an error.
 */
export function judgeErrorRate(
  total: RequestTotal,
  before: RequestTotal,
  { minRequests, maxIncreasePercent }: ErrorRateLimit,
): ErrorRateVerdict {
  if (total.requests < minRequests) return { kind: "tooFew" };
  const increase =
    percentOf(total) - percentOf({ ...before, requests: Math.max(before.requests, minRequests) });
  return increase > maxIncreasePercent ? { kind: "regressed", total } : { kind: "within" };
}

const percentOf = ({ requests, serverErrors }: RequestTotal): number => (100 * serverErrors) / requests;

/**
 * The condition for a verdict; undefined when the earlier condition stays. The text changes only with the verdict, not with
 * each count.
 */
export function desiredErrorRateCondition(
  { spec, status }: Sovereign,
  verdict: ErrorRateVerdict,
  before: RequestTotal,
  limit: ErrorRateLimit,
): NewCondition | undefined {
  // A new operator process counts from zero, so its counts may be too few again. That does not clear the image.
  const isKnownBad = isRegressed(status);
  if (isKnownBad && (verdict.kind === "tooFew" || verdict.kind === "unmeasured")) return undefined;
  switch (verdict.kind) {
    case "within":
      return condition(
        "True",
        "WithinLimit",
        "the share of requests that fail with a 5xx status is within the limit",
      );
    case "tooFew":
      return condition(
        "Unknown",
        "TooFewRequests",
        `fewer than ${limit.minRequests} requests came so far: the operator counts on until the rollout is complete`,
      );
    case "unmeasured":
      return condition("Unknown", "MetricsUnreachable", `${verdict.cause}: ${UNMEASURED}`);
    case "regressed":
      return condition(
        "False",
        ERROR_RATE_REGRESSED,
        `${shareOf(verdict.total)} failed with a 5xx status, and ${shareOf(before)} on the previous image: ` +
          `look at the logs of its billing Pods. Then set spec.image of BillingRelease ${spec.billing.release} to a digest without the fault, ` +
          "run `catalyst rollout skip` for this Sovereign, or raise spec.rollout.errorRate.maxIncreasePercent",
      );
  }
}

const UNMEASURED =
  "the error rate does not halt the rollout while it cannot be measured. Allow the operator to read /metrics of the billing Pods";

const shareOf = (total: RequestTotal): string =>
  total.requests === 0
    ? "none"
    : `${total.serverErrors} of ${total.requests} requests (${percentOf(total).toFixed(2)} %)`;

/** The running image is not the measured one, so the measurement proves nothing about it. */
export const OTHER_IMAGE = condition(
  "Unknown",
  "OtherImage",
  "the Sovereign does not run the image whose error rate was measured",
);

export const BASELINE_UNKNOWN = condition(
  "Unknown",
  "BaselineUnknown",
  `the requests to the previous image could not be counted when this image was taken, so there is nothing to compare with: ${UNMEASURED}`,
);

function condition(status: NewCondition["status"], reason: string, message: string): NewCondition {
  return { type: ERROR_RATE_NORMAL, status, reason, message };
}

/** Whether more requests fail on this image than on the one before. */
export function hasErrorRegression(status: SovereignStatus | undefined, image: string | undefined): boolean {
  return image !== undefined && status?.errorRate?.image === image && isRegressed(status);
}

/**
 * Decided by the reason: while nothing can be measured, the condition is Unknown and keeps its reason, and the image still
 * counts as bad.
 */
const isRegressed = (status: SovereignStatus | undefined): boolean =>
  findCondition(status?.conditions, ERROR_RATE_NORMAL)?.reason === ERROR_RATE_REGRESSED;

export const errorRateLimitOf = ({ spec }: BillingRelease): ErrorRateLimit => ({
  ...ERROR_RATE_DEFAULT,
  ...spec.rollout.errorRate,
});
