import { findCondition, STALLED } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";
import type { Watch } from "../../kube/reconcile.ts";
import { nextWave } from "../billing-release/desired-rollout.ts";
import { SOVEREIGN_INDEX, type SovereignCaches } from "./cache.ts";

/**
 * Enqueues the Sovereigns of a release's next wave when another Sovereign of that release makes progress. Enqueueing
 * every Sovereign for each step of every other would be a load that grows with the square of the fleet.
 */
export function watchRollout(caches: SovereignCaches, now: () => Date): Watch {
  return {
    connect(enqueue, signal) {
      const enqueueNextWave = (releaseName: string) => {
        const release = caches.releases.get(releaseName);
        if (release === undefined) return;
        const fleet = caches.sovereigns.byIndex(SOVEREIGN_INDEX.release, releaseName);
        const { names, wait } = nextWave(release, fleet, now().getTime());
        for (const name of names) enqueue(name, wait?.retryAfterMs);
      };
      caches.sovereigns.onChange((event) => {
        if (event.kind === "added") return;
        if (event.kind === "updated" && progressOf(event.previous) === progressOf(event.object)) return;
        const seen = event.kind === "updated" ? [event.previous, event.object] : [event.object];
        for (const name of new Set(seen.map(({ spec }) => spec.billing.release))) enqueueNextWave(name);
      }, signal);
    },
  };
}

/** The fields that affect other Sovereigns' rollout, serialised for comparison. */
function progressOf({ spec, status }: Sovereign): string {
  const statusOf = (type: string) => findCondition(status?.conditions, type)?.status;
  return JSON.stringify([
    spec.billing.release,
    spec.suspend,
    status?.pinnedImage,
    statusOf(SOVEREIGN_CONDITION.voucherShapeVerified),
    statusOf(STALLED),
  ]);
}
