import { findCondition, STALLED } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";
import type { Watch } from "../../kube/reconcile.ts";
import { nextWave } from "../billing-release/desired-target.ts";
import { SOVEREIGN_INDEX, type SovereignCaches } from "./cache.ts";

/**
 * One Sovereign's progress may be another's turn: enqueues those who come next, and nobody else, when somebody moved.
 * Everybody for each step of everybody would be a load that grows with the square of the fleet.
 */
export function watchTurns(caches: SovereignCaches, now: () => Date): Watch {
  return {
    connect(enqueue, signal) {
      const call = (releaseName: string) => {
        const release = caches.releases.get(releaseName);
        if (release === undefined) return;
        const fleet = caches.sovereigns.byIndex(SOVEREIGN_INDEX.release, releaseName);
        const { names, obstacle } = nextWave(release, fleet, now().getTime());
        for (const name of names) enqueue(name, obstacle?.retryAfterMs);
      };
      caches.sovereigns.onChange((event) => {
        if (event.kind === "added") return;
        if (event.kind === "updated" && progressOf(event.previous) === progressOf(event.object)) return;
        const seen = event.kind === "updated" ? [event.previous, event.object] : [event.object];
        for (const name of new Set(seen.map(({ spec }) => spec.billing.release))) call(name);
      }, signal);
    },
  };
}

/** What of a Sovereign decides on others' turns, as text. */
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
