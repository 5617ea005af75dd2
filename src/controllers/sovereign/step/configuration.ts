import type { KubernetesObject } from "../../../api/object.ts";
import type { ReconcileContext } from "../context.ts";
import { desiredConfiguration } from "../desired-configuration.ts";
import { findFranchise } from "../franchise.ts";
import { applyManaged } from "../managed-object.ts";
import type { Stop } from "../status.ts";

export interface Configuration {
  object: KubernetesObject;
  /** Why the reconcile must start nothing new: the Franchise is missing. */
  stop: Stop | undefined;
}

/** Applies the ConfigMap that billing reads. Without its Franchise, the Sovereign may issue no vouchers. */
export async function applyConfiguration(context: ReconcileContext): Promise<Configuration> {
  const { deps, sovereign } = context;
  const { franchise, isInTerm, stop } = findFranchise(context);
  const object = desiredConfiguration({
    sovereign,
    franchise,
    isInTerm,
    operatorJwks: deps.operatorJwks,
  });
  await applyManaged(context, object);
  return { object, stop };
}
