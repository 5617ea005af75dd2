import { BILLING_RELEASE, type BillingRelease } from "../../api/billing-release.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Informer } from "../../kube/informer.ts";
import type { Watch } from "../../kube/reconcile.ts";
import { isRequestChanged, watchPrimary } from "../../kube/reconcile.ts";
import type { Logger } from "../../platform/log.ts";
import { createStatusReconciler, type StatusReconcilerDeps } from "../status-reconciler.ts";
import { withImageCheck } from "./desired-image-check.ts";
import { decideStep } from "./desired-rollout.ts";
import { failedOf } from "./desired-tally.ts";
import type { Fleets } from "./fleet.ts";
import { checkImage, type FindImage, type ImageChecks } from "./image-check.ts";
import { desiredStatus } from "./status.ts";
import { transitionsOf } from "./status-transition.ts";

export interface BillingReleaseDeps extends StatusReconcilerDeps {
  releases: Informer<BillingRelease>;
  sovereigns: Informer<Sovereign>;
  fleets: Fleets;
  /** Also a watch. */
  images: ImageChecks;
  findImage: FindImage;
  /** Counts the Sovereigns of a release that failed on its image, or that wait for a person before they take it. */
  failures: { count(release: string, failed: number): void; forget(release: string): void };
  events: EventRecorder;
  logger: Logger;
}

/** The shortest time between two status writes that the changes of a fleet's Sovereigns cause. */
const MIN_COUNT_MS = 100;
/** A large fleet is counted less often, by this time for each Sovereign. */
const COUNT_MS_PER_SOVEREIGN = 0.05;

/** Keeps a release's figures, its measured reference and the record of its rollout accurate. */
export function createBillingReleaseReconciler(deps: BillingReleaseDeps) {
  const { fleets, sovereigns, images, logger } = deps;
  const reconcile = createStatusReconciler<BillingRelease>(deps, {
    kind: BILLING_RELEASE,
    objects: deps.releases,
    forget(name) {
      images.forget(name);
      deps.failures.forget(name);
    },
    async desiredReport(before, at) {
      // Counted before the registry is asked: a later tally may be of another version of the release.
      const tally = fleets.tally(before);
      const release = withImageCheck(before, await checkImage(deps, before), at.toISOString());
      const [zeroName = ""] = tally.zeros;
      const status = desiredStatus(release, tally, sovereigns.get(zeroName), at.toISOString());
      deps.failures.count(before.metadata.name, failedOf(tally));
      const transitions = transitionsOf(before, status);
      const announce = () => {
        for (const { reason, message } of transitions)
          logger.info({ release: release.metadata.name, reason, message }, "rollout");
      };
      // The step was decided before this reference was in the status. Reconcile again soon: when all Sovereigns are
      // verified already, no change of a Sovereign would cause it.
      const isNewlyMeasured = status.reference?.image !== before.status?.reference?.image;
      const ends = [
        isNewlyMeasured ? MIN_COUNT_MS : undefined,
        decideStep(release, tally, at.getTime()).wait?.retryAfterMs,
        ...[...tally.holds.values()].map((untilMs) => untilMs - at.getTime()),
      ].filter((afterMs) => afterMs !== undefined);
      const again = ends.length === 0 ? {} : { requeueAfterMs: Math.min(...ends) };
      return {
        status,
        outcome: { kind: "done", ...again },
        events: transitions,
        announce: transitions.length === 0 ? undefined : announce,
      };
    },
  });
  return (...args: Parameters<typeof reconcile>) =>
    reconcile(...args).finally(() => images.endReconcile(args[0]));
}

export function billingReleaseWatches({ releases, sovereigns, fleets, images }: BillingReleaseDeps): Watch[] {
  const sizeOf = (name: string) => {
    const release = releases.get(name);
    return release === undefined ? 0 : fleets.tally(release).members.size;
  };
  return [
    images,
    watchPrimary(releases, (before, after) => isRequestChanged(before, after) || isAnnotated(before, after)),
    {
      connect(enqueue, signal) {
        sovereigns.onChange((event) => {
          const seen = event.kind === "updated" ? [event.previous, event.object] : [event.object];
          for (const name of new Set(seen.map(({ spec }) => spec.billing.release)))
            enqueue(name, Math.max(MIN_COUNT_MS, sizeOf(name) * COUNT_MS_PER_SOVEREIGN));
        }, signal);
      },
    },
  ];
}

const isAnnotated = ({ metadata: before }: BillingRelease, { metadata }: BillingRelease): boolean =>
  JSON.stringify(before.annotations ?? {}) !== JSON.stringify(metadata.annotations ?? {});
