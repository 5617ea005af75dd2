import type { ArtifactCheck } from "../../admission/trust-policy.ts";
import type { Franchise } from "../../api/franchise.ts";
import type { ConfigMapObject, KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Informer } from "../../kube/informer.ts";
import { listIfServed } from "../../kube/optional-kind.ts";
import { isRequestChanged, type Outcome, type Watch, watchInformer } from "../../kube/reconcile.ts";
import { HELM_RELEASES, KUSTOMIZATIONS, OCI_REPOSITORIES, PODS, type Resource } from "../../kube/resource.ts";
import { type ClaimScanDeps, createClaimScan } from "./claim-scan.ts";
import { forbiddenInstall, installedArtifacts, isJudgedNamespace } from "./desired-check.ts";
import type { Finding } from "./desired-report.ts";
import { createReports, type ReportDeps } from "./report.ts";

export interface InstalledArtifactDeps extends ReportDeps, Omit<ClaimScanDeps, "client"> {
  trust: Informer<ConfigMapObject>;
  franchises: Informer<Franchise>;
  checkArtifact: ArtifactCheck;
  events: EventRecorder;
  /** Receives the number of objects in a namespace that the trust or the rules do not allow. */
  onCounted(namespace: string, found: number): void;
}

/** The reason of the Event. */
const REASON = {
  trust: "ArtifactNotTrusted",
  install: "InstallNotAllowed",
  claim: "ClaimNotAllowed",
} as const;
/** Finds objects that came in while the webhook was unreachable. A change of the trust causes a check at once. */
const RECHECK_MS = 60 * 60_000;

/**
 * Checks the installed objects of a namespace against the present trust, and against the rules for installs, hosts and
 * addresses. Events and a PolicyReport name those that are not allowed. None is removed, because a running workload may
 * matter more than its signature. For a chart, the signers of every running Franchise count, because an installed
 * OCIRepository does not show who installed it.
 */
export function createInstalledArtifactReconciler(
  deps: InstalledArtifactDeps,
): (key: string) => Promise<Outcome> {
  const { client, namespaces, lists, checkArtifact, franchises, events, onCounted } = deps;
  const reports = createReports(deps);
  const findClaims = createClaimScan(deps);

  async function findUntrusted(object: KubernetesObject): Promise<Finding | undefined> {
    for (const { path, artifact } of installedArtifacts(object)) {
      const verdict = await checkArtifact(artifact, franchises.list());
      if (verdict.kind === "refused") {
        const rule = artifact.use.kind === "chart" ? "oci-repository-signature" : "image-signature";
        return { object, rule, category: "trust", message: `${path}: ${verdict.reason}` };
      }
    }
    return undefined;
  }

  async function findingOf(
    { object, resource }: Installed,
    repositories: readonly KubernetesObject[],
  ): Promise<Finding | undefined> {
    const [violation] = forbiddenInstall(object, resource, repositories);
    if (violation === undefined) return findUntrusted(object);
    const { rule, path, message } = violation;
    return { object, rule, category: "install", message: `${path}: ${message}` };
  }

  function record(findings: readonly Finding[]): void {
    for (const { object, category, rule, message } of findings) {
      const text = category === "trust" ? message : `${rule}: ${message}`;
      events.record(object, "Warning", REASON[category], text);
    }
  }

  return async function reconcile(key) {
    const namespace = namespaces.get(key);
    if (namespace === undefined || !isJudgedNamespace(namespace, lists)) {
      onCounted(key, 0);
      if (namespace !== undefined) await reports.clear(key);
      return { kind: "done" };
    }
    const installed = await listInstalled(client, key);
    const repositories = installed
      .filter(({ resource }) => resource.plural === OCI_REPOSITORIES[0]?.plural)
      .map(({ object }) => object);
    const found: Finding[] = [];
    for (const one of installed) {
      const finding = await findingOf(one, repositories);
      if (finding !== undefined) found.push(finding);
    }
    record(found);
    // One kind that the API server cannot list fails the scan of all namespaces. The artifacts do not depend on it.
    const claims = await findClaims(key).catch((error) => {
      onCounted(key, found.length);
      throw error;
    });
    record(claims);
    const findings = [...claims, ...found];
    onCounted(key, findings.length);
    // The API server accepts no new object in a namespace that is being deleted.
    if (namespace.metadata.deletionTimestamp === undefined) await reports.write(key, findings);
    return { kind: "done", requeueAfterMs: RECHECK_MS };
  };
}

interface Installed {
  object: KubernetesObject;
  resource: Resource;
}

/** The kinds that are checked. Each has its possible versions, newest first, of which a cluster serves one or more. */
const KINDS: readonly (readonly Resource[])[] = [[PODS], OCI_REPOSITORIES, [HELM_RELEASES], [KUSTOMIZATIONS]];

async function listInstalled(client: KubeClient, namespace: string): Promise<Installed[]> {
  const installed: Installed[] = [];
  for (const versions of KINDS)
    for (const resource of versions) {
      const objects = await listIfServed<KubernetesObject>(client, resource, { namespace });
      if (objects === undefined) continue;
      installed.push(...objects.map((object) => ({ object, resource })));
      break;
    }
  return installed;
}

export const installedArtifactWatches = ({
  namespaces,
  trust,
  franchises,
}: InstalledArtifactDeps): Watch[] => {
  const all = () => namespaces.list().map(({ metadata }) => metadata.name);
  return [
    watchInformer(
      namespaces,
      ({ metadata }) => [metadata.name],
      (before, { metadata }) => JSON.stringify(before.metadata.labels) !== JSON.stringify(metadata.labels),
    ),
    watchInformer(trust, all),
    {
      // Additions are left out: a new Franchise removes no trust, and at the start each Franchise is reported as added.
      connect: (enqueue, signal) =>
        franchises.onChange((event) => {
          if (event.kind === "added") return;
          if (event.kind === "updated" && !isRequestChanged(event.previous, event.object)) return;
          for (const key of all()) enqueue(key);
        }, signal),
    },
  ];
};
