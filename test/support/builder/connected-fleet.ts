import { BILLING_RELEASE, type BillingRelease } from "../../../src/api/billing-release.ts";
import { SOVEREIGN, type Sovereign } from "../../../src/api/sovereign.ts";
import { createFleets } from "../../../src/controllers/billing-release/fleet.ts";
import { SOVEREIGN_INDEX, SOVEREIGN_INDEXES } from "../../../src/controllers/sovereign/cache.ts";
import { resourceOf } from "../../../src/kube/resource.ts";
import { NOW } from "./catalyst-object.ts";
import { fixedInformer } from "./reconcile-context.ts";

/** Connects fleets to caches that change, and collects the keys that their events enqueue. */
export function connectFleet(sovereigns: Sovereign[], releases: BillingRelease[]) {
  let nowMs = Date.parse(NOW);
  const informers = {
    sovereigns: fixedInformer(resourceOf(SOVEREIGN), sovereigns, SOVEREIGN_INDEXES),
    releases: fixedInformer(resourceOf(BILLING_RELEASE), releases),
  };
  const fleets = createFleets({ ...informers, index: SOVEREIGN_INDEX.release, now: () => new Date(nowMs) });
  const enqueued: [string, number | undefined][] = [];
  fleets.watch.connect((key, afterMs) => void enqueued.push([key, afterMs]), new AbortController().signal);
  const at = (name: string) => sovereigns.findIndex(({ metadata }) => metadata.name === name);
  return {
    fleets,
    enqueued,
    pass: (ms: number) => {
      nowMs += ms;
    },
    nowMs: () => nowMs,
    put(object: Sovereign) {
      const index = at(object.metadata.name);
      const previous = sovereigns[index];
      if (previous === undefined) sovereigns.push(object);
      else sovereigns[index] = object;
      informers.sovereigns.announce(
        previous === undefined ? { kind: "added", object } : { kind: "updated", object, previous },
      );
    },
    remove(name: string) {
      const [object] = sovereigns.splice(at(name), 1);
      if (object !== undefined) informers.sovereigns.announce({ kind: "deleted", object });
    },
    apply(object: BillingRelease) {
      const [previous] = releases.splice(0, 1, object);
      if (previous !== undefined) informers.releases.announce({ kind: "updated", object, previous });
    },
  };
}
