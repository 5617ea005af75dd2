import { BILLING_RELEASE } from "../../api/billing-release.ts";
import { ENVIRONMENT_POLICY } from "../../api/environment-policy.ts";
import { FRANCHISE } from "../../api/franchise.ts";
import type { KindDefinition } from "../../api/kind.ts";
import { HUB_NAME, SYSTEM_NAMESPACE } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN, type Sovereign } from "../../api/sovereign.ts";
import type { KubeClient } from "../../kube/client.ts";
import { createInformer, type Informer, withForeignFields } from "../../kube/informer.ts";
import type { RemoteSession } from "../../kube/remote-cluster.ts";
import { keyOf, resourceOf } from "../../kube/resource.ts";
import type { Logger } from "../../platform/log.ts";

/**
 * The caches of one session. They hold all objects of the kinds that the hub keeps on a cluster, including those of other
 * owners.
 */
export interface SpokeCaches {
  sovereigns: Informer<Sovereign>;
  /** The other kinds that a Sovereign needs there. */
  others: Informer<KubernetesObject>[];
  all: Informer<KubernetesObject>[];
}

export type SpokeSession = RemoteSession<SpokeCaches>;

/** Four times the size of 1,000 objects of 8 KB. No other limit bounds the number of objects that a watch sends. */
const MAX_SESSION_BYTES = 32 * 1_024 * 1_024;

/** `onFailure` ends the session, also when its caches hold more than `maxBytes` of JSON. */
export function openSpokeCaches(deps: {
  client: KubeClient;
  logger: Logger;
  onFailure: (error: unknown) => void;
  maxBytes?: number;
}): SpokeCaches {
  const { onFailure, maxBytes = MAX_SESSION_BYTES } = deps;
  const follow = <T extends KubernetesObject>(kind: KindDefinition): Informer<T> =>
    createInformer<T>(deps, resourceOf(kind), {
      ...(kind.scope === "Namespaced" ? { namespace: SYSTEM_NAMESPACE } : {}),
      transform: withForeignFields<T>(HUB_NAME),
      onFailure,
    });
  const sovereigns = follow<Sovereign>(SOVEREIGN);
  const others = [BILLING_RELEASE, FRANCHISE, ENVIRONMENT_POLICY].map((kind) => follow(kind));
  const all = [sovereigns as unknown as Informer<KubernetesObject>, ...others];
  limitBytes(all, maxBytes, onFailure);
  return { sovereigns, others, all };
}

/** Adds up the size of the cached objects, and reports when it is too much. */
function limitBytes(
  informers: readonly Informer<KubernetesObject>[],
  maxBytes: number,
  onFailure: (error: unknown) => void,
): void {
  let held = 0;
  for (const informer of informers) {
    const sizes = new Map<string, number>();
    informer.onChange(({ kind, object }) => {
      const key = keyOf(object.metadata);
      const size = kind === "deleted" ? 0 : JSON.stringify(object).length;
      held += size - (sizes.get(key) ?? 0);
      if (kind === "deleted") sizes.delete(key);
      else sizes.set(key, size);
      if (held > maxBytes)
        onFailure(
          new Error(
            `the cluster has more than ${maxBytes} bytes of Sovereigns, Franchises, BillingReleases and EnvironmentPolicies: delete those that the hub does not need`,
          ),
        );
    });
  }
}

/** The live object of the same kind and name, from the session's caches. */
export const liveObject = ({ caches }: SpokeSession, { kind, metadata }: KubernetesObject) =>
  caches.all.find(({ resource }) => resource.kind === kind)?.get(keyOf(metadata));
