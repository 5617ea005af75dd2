import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import { differences } from "../../kube/difference.ts";
import { isInvalid, isNotFound } from "../../kube/error.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer } from "../../kube/reconcile.ts";
import { resourceOfManifest } from "../../kube/resource.ts";
import {
  desiredOwnership,
  desiredRestoration,
  hasLabels,
  hasUpdater,
  installerOf,
  isIntact,
  isSame,
  type LiveObject,
  type SpecifiedObject,
} from "./desired-restoration.ts";

export interface AdmissionPolicyDeps {
  client: Pick<KubeClient, "get" | "apply" | "replace">;
  /** The policies and the bindings with the product's label. They stay empty when the API server does not serve them. */
  informers: readonly Informer<KubernetesObject>[];
  desired: readonly SpecifiedObject[];
  /** Receives each restored object, and the fields that differed; none when it was missing. */
  onRestored(object: KubernetesObject, fields: readonly string[]): void;
  /** Receives, with each reconcile, whether the API server serves policies. */
  onServed(isServed: boolean): void;
}

const RESYNC_MS = 60_000;

const keyOf = ({ kind, metadata }: KubernetesObject) => `${kind}/${metadata.name}`;

/**
 * Restores the policies and bindings that the chart installed. The applier does not fit here. It marks and owns the objects
 * that it writes, so the chart's next upgrade would conflict. It also leaves fields that the desired object does not
 * mention.
 */
export function createAdmissionPolicyReconciler(deps: AdmissionPolicyDeps) {
  const { client, informers, onRestored, onServed } = deps;
  const desiredByKey = new Map(deps.desired.map((object) => [keyOf(object), object]));
  /** The spec that this API server stores for a desired one, where the two differ: a later version may add defaults. */
  const accepted = new Map<string, object>();

  function cachedCopy(desired: SpecifiedObject): SpecifiedObject | undefined {
    const informer = informers.find(({ resource }) => resource.kind === desired.kind);
    return informer?.get(desired.metadata.name) as SpecifiedObject | undefined;
  }

  /**
   * Replaces the object, and then makes the installer the only owner of its spec. After a replace, the operator owns the
   * items that it added to a set. An upgrade of the chart could not remove them, and a set with both Deny and Warn is
   * invalid.
   */
  async function replace(
    object: SpecifiedObject,
    wanted: SpecifiedObject,
    fieldManager: string,
  ): Promise<SpecifiedObject> {
    const resource = resourceOfManifest(object);
    const replaced = await client.replace<LiveObject>(resource, object);
    if (!hasUpdater(replaced)) return replaced;
    const applied = await client.apply<LiveObject>(resource, wanted, { fieldManager });
    return client.replace(resource, desiredOwnership(applied));
  }

  async function write(desired: SpecifiedObject, live: LiveObject | undefined): Promise<SpecifiedObject> {
    const resource = resourceOfManifest(desired);
    const wanted = desiredRestoration(desired, live);
    const fieldManager = installerOf(live);
    let applied: SpecifiedObject;
    try {
      applied = await client.apply(resource, wanted, { fieldManager });
    } catch (error) {
      // Server-side apply merges a set with another manager's items: validationActions Deny and Warn together are invalid.
      if (!isInvalid(error) || live === undefined) throw error;
      const metadata = { ...live.metadata, ...wanted.metadata };
      return replace({ ...live, metadata, spec: desired.spec }, wanted, fieldManager);
    }
    if (isSame(desired.spec, applied.spec)) return applied;
    // Server-side apply keeps fields that other managers added. Replacing the object removes them.
    return replace({ ...applied, spec: desired.spec }, wanted, fieldManager);
  }

  async function restore(key: string, desired: SpecifiedObject): Promise<void> {
    const cached = cachedCopy(desired);
    if (cached !== undefined && isIntact(desired, cached, accepted.get(key))) return;
    // The cache may not have the last write yet, and it has only objects with the label.
    const live = await client.get<LiveObject>(resourceOfManifest(desired), desired.metadata);
    if (live !== undefined && isIntact(desired, live, accepted.get(key))) return;
    const written = await write(desired, live);
    if (!isSame(desired.spec, written.spec)) accepted.set(key, written.spec);
    const isUntouched = live !== undefined && hasLabels(desired, live) && isSame(live.spec, written.spec);
    if (!isUntouched) onRestored(written, live === undefined ? [] : changedFields(written, live));
  }

  return async function reconcile(key: string): Promise<Outcome> {
    const desired = desiredByKey.get(key);
    if (desired === undefined) return { kind: "done" };
    try {
      await restore(key, desired);
    } catch (error) {
      // A write creates an object that is missing, so a 404 means that the kind is not served.
      if (!isNotFound(error)) throw error;
      onServed(false);
      return {
        kind: "waiting",
        reason: "AdmissionPoliciesNotServed",
        message: `the API server serves no ${desired.kind}: turn on admissionregistration.k8s.io/v1`,
        retryAfterMs: RESYNC_MS,
      };
    }
    onServed(true);
    return { kind: "done", requeueAfterMs: RESYNC_MS };
  };
}

/** The fields that another client changed or removed, or those that it added. */
function changedFields(written: SpecifiedObject, live: SpecifiedObject): string[] {
  const relevant = ({ metadata, spec }: SpecifiedObject) => ({ metadata: { labels: metadata.labels }, spec });
  const changed = differences(relevant(written), relevant(live));
  return changed.length > 0 ? changed : differences(relevant(live), relevant(written));
}

export function admissionPolicyWatches({ informers, desired }: AdmissionPolicyDeps): Watch[] {
  const keys = desired.map(keyOf);
  return [
    {
      connect(enqueue) {
        for (const key of keys) enqueue(key);
      },
    },
    ...informers.map((informer) =>
      watchInformer(informer, (object) => keys.filter((key) => key === keyOf(object))),
    ),
  ];
}
