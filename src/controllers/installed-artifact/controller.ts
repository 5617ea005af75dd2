import type { IdentityLists } from "../../admission/rules/identity.ts";
import type { ArtifactCheck } from "../../admission/trust-policy.ts";
import type { Franchise } from "../../api/franchise.ts";
import type { ConfigMapObject, KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isNotFound } from "../../kube/error.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Informer } from "../../kube/informer.ts";
import { isRequestChanged, type Outcome, type Watch, watchInformer } from "../../kube/reconcile.ts";
import { OCI_REPOSITORIES, PODS } from "../../kube/resource.ts";
import { installedArtifacts, isJudgedNamespace } from "./desired-check.ts";

export interface InstalledArtifactDeps {
  client: KubeClient;
  namespaces: Informer<KubernetesObject>;
  trust: Informer<ConfigMapObject>;
  franchises: Informer<Franchise>;
  lists: IdentityLists;
  checkArtifact: ArtifactCheck;
  events: EventRecorder;
  /** Receives the number of objects in a namespace whose artifact is not trusted. */
  onCounted(namespace: string, untrusted: number): void;
}

const NOT_TRUSTED = "ArtifactNotTrusted";
/** Finds what was installed while the webhook was away. A change of the trust is noticed at once. */
const RECHECK_MS = 60 * 60_000;

/**
 * Checks what is installed in a namespace against the present trust, and reports what it does not cover. It removes nothing:
 * a running workload may matter more than its signature. For a chart, the signers of every running Franchise count, because
 * an installed OCIRepository no longer says who installed it.
 */
export function createInstalledArtifactReconciler(
  deps: InstalledArtifactDeps,
): (key: string) => Promise<Outcome> {
  const { client, namespaces, lists, checkArtifact, franchises, events, onCounted } = deps;

  async function isTrusted(object: KubernetesObject): Promise<boolean> {
    for (const { path, artifact } of installedArtifacts(object)) {
      const verdict = await checkArtifact(artifact, franchises.list());
      if (verdict.kind !== "refused") continue;
      events.record(object, "Warning", NOT_TRUSTED, `${path}: ${verdict.reason}`);
      return false;
    }
    return true;
  }

  return async function reconcile(key) {
    const namespace = namespaces.get(key);
    if (namespace === undefined || !isJudgedNamespace(namespace, lists)) {
      onCounted(key, 0);
      return { kind: "done" };
    }
    let untrusted = 0;
    for (const object of await listInstalled(client, key)) if (!(await isTrusted(object))) untrusted += 1;
    onCounted(key, untrusted);
    return { kind: "done", requeueAfterMs: RECHECK_MS };
  };
}

async function listInstalled(client: KubeClient, namespace: string): Promise<KubernetesObject[]> {
  const pods = await client.list<KubernetesObject>(PODS, { namespace });
  for (const resource of OCI_REPOSITORIES) {
    const repositories = await listIfServed(client, resource, namespace);
    if (repositories !== undefined) return [...pods.items, ...repositories];
  }
  return pods.items;
}

/** Undefined: the cluster has no Flux, or not this version of its kind. */
async function listIfServed(
  client: KubeClient,
  resource: (typeof OCI_REPOSITORIES)[number],
  namespace: string,
): Promise<KubernetesObject[] | undefined> {
  try {
    return (await client.list<KubernetesObject>(resource, { namespace })).items;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
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
      // A new Franchise takes no trust away, and each is announced as new at the start.
      connect: (enqueue, signal) =>
        franchises.onChange((event) => {
          if (event.kind === "added") return;
          if (event.kind === "updated" && !isRequestChanged(event.previous, event.object)) return;
          for (const key of all()) enqueue(key);
        }, signal),
    },
  ];
};
