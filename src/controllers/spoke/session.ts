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

/** The caches of one session: all objects of the kinds that the hub keeps on a cluster, also those that are not the hub's. */
export interface SpokeCaches {
  sovereigns: Informer<Sovereign>;
  /** Of the kinds that a Sovereign there needs. */
  others: Informer<KubernetesObject>[];
  all: Informer<KubernetesObject>[];
}

export type SpokeSession = RemoteSession<SpokeCaches>;

export function openSpokeCaches(deps: {
  client: KubeClient;
  logger: Logger;
  onFailure: (error: unknown) => void;
}): SpokeCaches {
  const { onFailure } = deps;
  const follow = <T extends KubernetesObject>(kind: KindDefinition): Informer<T> =>
    createInformer<T>(deps, resourceOf(kind), {
      ...(kind.scope === "Namespaced" ? { namespace: SYSTEM_NAMESPACE } : {}),
      transform: withForeignFields<T>(HUB_NAME),
      onFailure,
    });
  const sovereigns = follow<Sovereign>(SOVEREIGN);
  const others = [BILLING_RELEASE, FRANCHISE, ENVIRONMENT_POLICY].map((kind) => follow(kind));
  return { sovereigns, others, all: [sovereigns as unknown as Informer<KubernetesObject>, ...others] };
}

/** The live object of the same kind and name, from the session's caches. */
export const liveObject = ({ caches }: SpokeSession, { kind, metadata }: KubernetesObject) =>
  caches.all.find(({ resource }) => resource.kind === kind)?.get(keyOf(metadata));
