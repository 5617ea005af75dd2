import { LABEL, SOVEREIGN_FINALIZER } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN, type Sovereign } from "../../api/sovereign.ts";
import { removeFinalizer } from "../../kube/finalizer.ts";
import { resourceOf } from "../../kube/resource.ts";
import { finishRemote } from "../spoke/reconcile.ts";
import { managedResources } from "./cache.ts";
import type { ReconcileContext } from "./context.ts";
import type { SovereignDeps } from "./dependency.ts";
import { namespaceOf, ownershipLabels } from "./desired-metadata.ts";
import type { Stop } from "./findings.ts";
import { findClaim } from "./namespace-claim.ts";

/**
 * Deletes the workload of a Sovereign that is being deleted, then removes the finalizer. The workload of a suspended
 * Sovereign is kept and continues to run, as with Flux. A Sovereign can therefore move to another manifest without a stop.
 * Returns the reason to wait; undefined when the finalizer is removed.
 */
export async function finalize(context: ReconcileContext): Promise<Stop | undefined> {
  const { deps, sovereign } = context;
  const { name, finalizers = [] } = sovereign.metadata;
  if (!finalizers.includes(SOVEREIGN_FINALIZER)) return undefined;
  const waits = await finishWorkload(context);
  if (waits !== undefined) return waits;
  deps.applier.forget(({ metadata }) => metadata.labels?.[LABEL.sovereign] === name);
  await deps.events.settle(sovereign);
  await removeFinalizer(deps.client, resourceOf(SOVEREIGN), sovereign, SOVEREIGN_FINALIZER);
  return undefined;
}

async function finishWorkload(context: ReconcileContext): Promise<Stop | undefined> {
  const { deps, sovereign } = context;
  if (sovereign.spec.cluster !== undefined) return finishRemote(context);
  if (sovereign.spec.suspend) reportKept(deps, sovereign);
  else if ((await findClaim(deps, sovereign)).kind !== "foreign") await deleteWorkload(deps, sovereign);
  return undefined;
}

/**
 * The namespace stays with its Secrets and its database, because billing records must outlive a manifest. The objects to
 * delete are listed from the API server, because a cache may not have the last write yet.
 */
async function deleteWorkload(deps: SovereignDeps, sovereign: Sovereign): Promise<void> {
  const namespace = namespaceOf(sovereign);
  const labelSelector = Object.entries(ownershipLabels(sovereign))
    .map(([label, value]) => `${label}=${value}`)
    .join(",");
  const held: string[] = [];
  for (const resource of managedResources(deps.caches)) {
    const { items } = await deps.client.list<KubernetesObject>(resource, { namespace, labelSelector });
    await deps.applier.prune([], items);
    held.push(...items.flatMap(({ metadata }) => describeHeld(resource.kind, metadata)));
  }
  deps.events.record(
    sovereign,
    "Normal",
    "WorkloadDeleted",
    `the operator kept namespace ${namespace} and the database: delete them by hand when their billing records are no longer needed${held.join("")}`,
  );
}

/**
 * The text about an object that a finalizer keeps after its deletion. It is appended to the Event's message. The Sovereign
 * does not wait for another client's finalizer: the next Sovereign of this name waits for a migration Job that still runs.
 */
function describeHeld(kind: string, { name, finalizers = [] }: KubernetesObject["metadata"]): string[] {
  if (finalizers.length === 0) return [];
  return [`; ${kind} ${name} (finalizers: ${finalizers.join(", ")}) stays until its finalizers are removed`];
}

function reportKept({ events }: SovereignDeps, sovereign: Sovereign): void {
  events.record(
    sovereign,
    "Normal",
    "WorkloadKept",
    `the Sovereign was suspended, so the operator left its workload in namespace ${namespaceOf(sovereign)}: ` +
      "a Sovereign of the same name takes it over, or delete it by hand",
  );
}
