import type { BillingRelease } from "../api/billing-release.ts";
import { type Condition, findCondition, READY, RECONCILING, STALLED } from "../api/condition.ts";
import type { Sovereign } from "../api/sovereign.ts";
import { rolloutOf } from "./billing-release/desired-completion.ts";

/** The reason why an object is not as its spec asks. The message gives the remedy. */
interface Obstacle {
  reason: string;
  message: string;
  /** RFC 3339. */
  since: string;
}

export interface Summary {
  kind: "Sovereign" | "BillingRelease";
  name: string;
  ready: Condition["status"];
  /** The present state: the pinned image, or the progress of a rollout. */
  is: string;
  /** The desired state. */
  should: string;
  /** RFC 3339. When the rollout of a release's image was complete; undefined before. */
  completedAt?: string;
  /** Undefined when it is Ready. */
  heldBy: Obstacle | undefined;
  /** Further obstacles: other conditions of a Sovereign, other Sovereigns of a rollout. */
  also: Obstacle[];
}

const NOT_RECONCILED = {
  reason: "NotReconciled",
  message: "no operator has looked at it: check that one runs",
};

/** `releases` are all releases of the cluster. */
export function summariseSovereign(sovereign: Sovereign, releases: readonly BillingRelease[]): Summary {
  const { metadata, spec, status } = sovereign;
  const { release: releaseName } = spec.billing;
  const release = releases.find((each) => each.metadata.name === releaseName);
  const { ready, obstacle } = readinessOf(sovereign);
  const started = status?.progress?.since;
  const heldBy = obstacle === undefined ? undefined : { ...obstacle, since: started ?? obstacle.since };
  return {
    ...{ kind: "Sovereign", name: metadata.name, ready, heldBy },
    is: status?.pinnedImage === undefined ? "no image yet" : shortImage(status.pinnedImage),
    should:
      release === undefined
        ? `the image of BillingRelease ${releaseName}, which does not exist`
        : `${shortImage(release.spec.image)}, version ${release.spec.version} of BillingRelease ${releaseName}`,
    also: furtherObstacles(status?.conditions ?? [], heldBy),
  };
}

/**
 * The conditions that are not True, except those that say the same as `heldBy`, and those that only say that they were not
 * checked because of it. Some do not count for Ready: branding that is not granted, an issuer that cannot be reached.
 */
function furtherObstacles(conditions: readonly Condition[], heldBy: Obstacle | undefined): Obstacle[] {
  return conditions
    .filter(({ type, status }) => status !== "True" && !SUMMARISING.includes(type))
    .filter(({ message }) => message !== heldBy?.message)
    .filter(({ status, reason }) => status !== "Unknown" || reason !== heldBy?.reason)
    .map(({ type, reason, message, lastTransitionTime }) => ({
      ...{ reason: `${type} ${reason}`, message, since: lastTransitionTime },
    }));
}

/** Conditions that repeat what Ready says. */
const SUMMARISING: readonly string[] = [READY, RECONCILING, STALLED];

export function summariseRelease(release: BillingRelease): Summary {
  const { metadata, spec, status } = release;
  const { ready, obstacle } = readinessOf(release);
  const { verified = 0, sovereigns = 0, phase = "Pending", rollout } = status ?? {};
  const completedAt = rolloutOf(release)?.completedAt;
  const completion = completedAt === undefined ? "" : `, rollout complete since ${completedAt}`;
  return {
    ...{ kind: "BillingRelease", name: metadata.name, ready, heldBy: obstacle },
    is: `${verified} of ${sovereigns} Sovereigns verified, phase ${phase}${completion}`,
    should: `${shortImage(spec.image)}, version ${spec.version}`,
    ...(completedAt === undefined ? {} : { completedAt }),
    also: (rollout?.heldUpBy ?? []).map(({ name, reason, message }) => ({
      ...{ reason: `${name} ${reason}`, message, since: obstacle?.since ?? "" },
    })),
  };
}

function readinessOf({ status, metadata }: Sovereign | BillingRelease): {
  ready: Condition["status"];
  obstacle: Obstacle | undefined;
} {
  const ready = findCondition(status?.conditions, READY);
  if (ready === undefined)
    return { ready: "Unknown", obstacle: { ...NOT_RECONCILED, since: metadata.creationTimestamp ?? "" } };
  const { reason, message, lastTransitionTime: since } = ready;
  return { ready: ready.status, obstacle: ready.status === "True" ? undefined : { reason, message, since } };
}

/** `…/catalyst@sha256:0123456789ab`: enough to recognise an image by. */
const shortImage = (image: string): string =>
  image.replace(/^.*\/([^/]+@sha256:[0-9a-f]{12})[0-9a-f]*$/, "$1");
