import { LABEL, SOVEREIGN_FINALIZER } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN, type Sovereign } from "../../api/sovereign.ts";
import { resourceOf } from "../../kube/resource.ts";
import { managedResources } from "./cache.ts";
import type { SovereignDeps } from "./dependency.ts";
import { namespaceOf, ownershipLabels } from "./desired-metadata.ts";
import { findForeigner } from "./step/eligibility.ts";

/** Ends what runs for a Sovereign that is being deleted, then lets it go. */
export async function tearDown(deps: SovereignDeps, sovereign: Sovereign): Promise<void> {
  const { name, finalizers = [] } = sovereign.metadata;
  if (!finalizers.includes(SOVEREIGN_FINALIZER)) return;
  if (sovereign.spec.cluster === undefined && (await findForeigner(deps, sovereign)) === undefined)
    await endWorkload(deps, sovereign);
  deps.applier.forget(({ metadata }) => metadata.labels?.[LABEL.sovereign] === name);
  await setFinalizers(
    deps,
    sovereign,
    finalizers.filter((finalizer) => finalizer !== SOVEREIGN_FINALIZER),
  );
}

/**
 * The namespace stays, and with it the Secrets and whatever keeps the database: money outlives a manifest. What goes is
 * asked of the server and not of a cache, which may not have heard of our last write yet.
 */
async function endWorkload(deps: SovereignDeps, sovereign: Sovereign): Promise<void> {
  const namespace = namespaceOf(sovereign);
  const labelSelector = Object.entries(ownershipLabels(sovereign))
    .map(([label, value]) => `${label}=${value}`)
    .join(",");
  for (const resource of managedResources(deps.caches)) {
    const { items } = await deps.client.list<KubernetesObject>(resource, { namespace, labelSelector });
    await deps.applier.prune([], items);
  }
  deps.events.record(
    sovereign,
    "Normal",
    "WorkloadDeleted",
    `namespace ${namespace} and its database are kept: delete them by hand once nobody needs the money's trail`,
  );
}

/** Keeps the Sovereign until its workload is gone. */
export async function addFinalizer(deps: SovereignDeps, sovereign: Sovereign): Promise<void> {
  const { finalizers = [] } = sovereign.metadata;
  if (!finalizers.includes(SOVEREIGN_FINALIZER))
    await setFinalizers(deps, sovereign, [...finalizers, SOVEREIGN_FINALIZER]);
}

async function setFinalizers(
  { client }: SovereignDeps,
  { metadata }: Sovereign,
  finalizers: string[],
): Promise<void> {
  const { resourceVersion } = metadata;
  await client.mergePatch(resourceOf(SOVEREIGN), metadata, { metadata: { finalizers, resourceVersion } });
}
