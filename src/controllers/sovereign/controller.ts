import { isConditionTrue } from "../../api/condition.ts";
import { LABEL, SOVEREIGN_FINALIZER } from "../../api/label.ts";
import { BILLING } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN, SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";
import { FieldFight } from "../../kube/apply.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { JOBS, resourceOf, resourceOfManifest } from "../../kube/resource.ts";
import { writeStatus } from "../../kube/status.ts";
import type { SovereignCaches } from "./cache.ts";
import type { SovereignDeps } from "./dependency.ts";
import { metadataOf, namespaceOf } from "./desired-metadata.ts";
import { desiredWorkload } from "./desired-workload.ts";
import { REVERIFY_MS } from "./evidence.ts";
import { desiredStatus, type Findings, type Stop, waiting } from "./status.ts";
import { reconcileSteps } from "./step/sequence.ts";

const RESOURCE = resourceOf(SOVEREIGN);

export function createSovereignReconciler(deps: SovereignDeps) {
  const { caches, client, fieldManager, now } = deps;

  async function report(sovereign: Sovereign, findings: Findings): Promise<void> {
    const status = desiredStatus(sovereign, findings, now().toISOString());
    await writeStatus({ client, fieldManager }, RESOURCE, sovereign, status);
  }

  async function tearDown(sovereign: Sovereign): Promise<Outcome> {
    const { finalizers = [] } = sovereign.metadata;
    if (!finalizers.includes(SOVEREIGN_FINALIZER)) return { kind: "done" };
    // The namespace stays, and with it the Secrets and whatever keeps the database: money outlives a manifest.
    const workload = [
      ...desiredWorkload(sovereign, "none"),
      {
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: metadataOf(sovereign, BILLING.workload),
      },
      { apiVersion: "v1", kind: "ConfigMap", metadata: metadataOf(sovereign, BILLING.configMap) },
    ] as KubernetesObject[];
    for (const object of workload) await client.delete(resourceOfManifest(object), object.metadata);
    // With the Job goes the proof that a database was migrated: the one that a later Sovereign finds may be another.
    const jobs = caches.jobs
      .list()
      .filter(({ metadata }) => metadata.labels?.[LABEL.sovereign] === sovereign.metadata.name);
    for (const { metadata } of jobs) await client.delete(JOBS, metadata);
    deps.events.record(
      sovereign,
      "Normal",
      "WorkloadDeleted",
      `namespace ${namespaceOf(sovereign)} and its database are kept: delete them by hand once nobody needs the money's trail`,
    );
    await client.mergePatch(RESOURCE, sovereign.metadata, {
      metadata: {
        finalizers: finalizers.filter((name) => name !== SOVEREIGN_FINALIZER),
        resourceVersion: sovereign.metadata.resourceVersion,
      },
    });
    return { kind: "done" };
  }

  return async function reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const sovereign = caches.sovereigns.get(key);
    if (sovereign === undefined) return { kind: "done" };
    if (sovereign.metadata.deletionTimestamp !== undefined) return tearDown(sovereign);
    if (!sovereign.metadata.finalizers?.includes(SOVEREIGN_FINALIZER)) {
      await client.mergePatch(RESOURCE, sovereign.metadata, {
        metadata: {
          finalizers: [...(sovereign.metadata.finalizers ?? []), SOVEREIGN_FINALIZER],
          resourceVersion: sovereign.metadata.resourceVersion,
        },
      });
    }
    const findings: Findings = { conditions: [], facts: {}, stop: undefined };
    try {
      findings.stop = await reconcileSteps({
        deps,
        sovereign,
        findings,
        report: (seen) => report(sovereign, seen),
        signal,
      });
    } catch (error) {
      if (!(error instanceof FieldFight)) throw error;
      deps.events.record(sovereign, "Warning", "FieldFight", error.message);
      findings.stop = waiting("FieldFight", error.message, error.retryAfterMs);
    }
    await report(sovereign, findings);
    return outcomeOf(findings.stop);
  };
}

function outcomeOf(stop: Stop | undefined): Outcome {
  if (stop === undefined) return { kind: "done", requeueAfterMs: REVERIFY_MS };
  if (stop.kind === "unknown") return { kind: "done" };
  return stop;
}

/** Everything whose change concerns a Sovereign. */
export function sovereignWatches(caches: SovereignCaches): Watch[] {
  const labelled = (object: KubernetesObject) => {
    const name = object.metadata.labels?.[LABEL.sovereign];
    return name === undefined ? [] : [name];
  };
  const everyone = () => caches.sovereigns.list().map(({ metadata }) => metadata.name);
  return [
    watchPrimary(caches.sovereigns),
    // One Sovereign's progress may be another's turn.
    watchInformer(caches.sovereigns, (changed) =>
      isConditionTrue(changed.status?.conditions, SOVEREIGN_CONDITION.voucherShapeVerified) ? everyone() : [],
    ),
    watchInformer(caches.releases, everyone),
    watchInformer(caches.franchises, everyone),
    watchInformer(caches.namespaces, labelled),
    watchInformer(caches.deployments, labelled),
    watchInformer(caches.jobs, labelled),
    watchInformer(caches.pods, labelled),
    ...caches.others.map((informer) => watchInformer(informer, labelled)),
  ];
}
