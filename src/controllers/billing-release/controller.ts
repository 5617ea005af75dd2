import { BILLING_RELEASE, type BillingRelease } from "../../api/billing-release.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { resourceOf } from "../../kube/resource.ts";
import { writeStatus } from "../../kube/status.ts";
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
  return async function reconcile(key: string): Promise<Outcome> {
    const release = deps.releases.get(key);
    if (release === undefined) return { kind: "done" };
    const sovereigns = deps.sovereigns.list().filter(({ spec }) => spec.billing.release === key);
    const status = desiredStatus(release, sovereigns, deps.now().toISOString());
    await writeStatus(deps, resourceOf(BILLING_RELEASE), release, status);
    return { kind: "done" };
  };
}

export function billingReleaseWatches({ releases, sovereigns }: BillingReleaseDeps): Watch[] {
  return [watchPrimary(releases), watchInformer(sovereigns, ({ spec }) => [spec.billing.release])];
}
