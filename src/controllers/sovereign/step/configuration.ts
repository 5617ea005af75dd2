import { findCondition } from "../../../api/condition.ts";
import type { KubernetesObject } from "../../../api/object.ts";
import { stamped } from "../../../kube/apply-memory.ts";
import { isBrandingHostTaken } from "../conflict.ts";
import type { ReconcileContext } from "../context.ts";
import { desiredConfiguration } from "../desired-configuration.ts";
import { desiredSettings, type Settings, settingsCondition } from "../desired-settings.ts";
import { findFranchise } from "../franchise.ts";
import { type IssuerAuthority, readIssuerAuthority } from "../issuer-authority.ts";
import { applyManaged } from "../managed-object.ts";
import type { Stop } from "../status.ts";

export interface Configuration {
  object: KubernetesObject;
  /** Why the reconcile must start nothing new: the Franchise is missing. */
  stop: Stop | undefined;
  authority: IssuerAuthority;
}

/**
 * Applies the ConfigMap that billing reads. Without its Franchise, the Sovereign may issue no vouchers. Settings that are not
 * allowed are left out and reported. They stop nothing: billing still follows its release.
 */
export async function applyConfiguration(context: ReconcileContext): Promise<Configuration> {
  const { deps, sovereign } = context;
  const { franchise, isInTerm, stop } = findFranchise(context);
  const isHostTaken = isBrandingHostTaken(deps.caches.sovereigns, sovereign);
  const settings = desiredSettings({ sovereign, franchise, isHostTaken });
  // While the Franchise is missing, the stop already reports it.
  if (stop === undefined) reportSettings(context, settings);
  const authority = await readIssuerAuthority(deps.client, sovereign);
  const desired = desiredConfiguration({
    sovereign,
    franchise,
    isInTerm,
    settings,
    blueprints: deps.caches.blueprints.list(),
    issuerAuthority: authority.pem,
    operatorJwks: deps.operatorJwks(),
    orderNoticeUrl: deps.orderNoticeUrl,
  });
  const object = stamped(desired);
  await applyManaged(context, object);
  return { object, stop, authority };
}

function reportSettings({ deps, sovereign, findings }: ReconcileContext, settings: Settings): void {
  const condition = settingsCondition(settings);
  const reported = findCondition(sovereign.status?.conditions, condition.type);
  if (condition.status === "False" && reported?.message !== condition.message)
    deps.events.record(sovereign, "Warning", condition.reason, condition.message);
  findings.conditions.push(condition);
}
