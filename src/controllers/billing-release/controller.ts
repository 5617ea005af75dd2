import { BILLING_RELEASE, type BillingRelease } from "../../api/billing-release.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Informer } from "../../kube/informer.ts";
import { isRequestChanged, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { SOVEREIGN_INDEX } from "../sovereign/cache.ts";
import { createStatusReconciler, type StatusReconcilerDeps } from "../status-reconciler.ts";
import { bakedAtMs } from "./desired-rollout.ts";
import { desiredStatus } from "./status.ts";

export interface BillingReleaseDeps extends StatusReconcilerDeps {
  releases: Informer<BillingRelease>;
  sovereigns: Informer<Sovereign>;
}

/** Keeps a release's figures and its measured reference accurate. */
export function createBillingReleaseReconciler(deps: BillingReleaseDeps) {
  return createStatusReconciler<BillingRelease>(deps, {
    kind: BILLING_RELEASE,
    objects: deps.releases,
    desiredReport(release, at) {
      const sovereigns = deps.sovereigns.byIndex(SOVEREIGN_INDEX.release, release.metadata.name);
      const status = desiredStatus(release, sovereigns, at.toISOString());
      if (status.phase !== "Baking") return { status, outcome: { kind: "done" } };
      const requeueAfterMs = bakedAtMs(release, sovereigns) - at.getTime();
      return { status, outcome: { kind: "done", requeueAfterMs } };
    },
  });
}

export function billingReleaseWatches({ releases, sovereigns }: BillingReleaseDeps): Watch[] {
  return [
    watchPrimary(releases, isRequestChanged),
    watchInformer(sovereigns, ({ spec }) => [spec.billing.release]),
  ];
}
