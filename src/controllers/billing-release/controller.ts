import { BILLING_RELEASE, type BillingRelease } from "../../api/billing-release.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import {
  isRequestChanged,
  type Outcome,
  type Watch,
  watchInformer,
  watchPrimary,
} from "../../kube/reconcile.ts";
import { resourceOf } from "../../kube/resource.ts";
import { createStatusWriter } from "../../kube/status.ts";
import { SOVEREIGN_INDEX } from "../sovereign/cache.ts";
import { bakedAtMs } from "./desired-target.ts";
import { desiredStatus } from "./status.ts";

export interface BillingReleaseDeps {
  client: KubeClient;
  fieldManager: string;
  releases: Informer<BillingRelease>;
  sovereigns: Informer<Sovereign>;
  now: () => Date;
}

/** Keeps a release's figures and its measured reference true. */
export function createBillingReleaseReconciler(deps: BillingReleaseDeps) {
  const statuses = createStatusWriter<BillingRelease>(deps, resourceOf(BILLING_RELEASE));
  return async function reconcile(key: string): Promise<Outcome> {
    const cached = deps.releases.get(key);
    if (cached === undefined) {
      statuses.forget(key);
      return { kind: "done" };
    }
    const release = statuses.newest(cached);
    const sovereigns = deps.sovereigns.byIndex(SOVEREIGN_INDEX.release, key);
    const at = deps.now();
    const status = desiredStatus(release, sovereigns, at.toISOString());
    await statuses.write(release, status);
    return status.phase === "Baking"
      ? { kind: "done", requeueAfterMs: bakedAtMs(release, sovereigns) - at.getTime() }
      : { kind: "done" };
  };
}

export function billingReleaseWatches({ releases, sovereigns }: BillingReleaseDeps): Watch[] {
  return [
    watchPrimary(releases, isRequestChanged),
    watchInformer(sovereigns, ({ spec }) => [spec.billing.release]),
  ];
}
