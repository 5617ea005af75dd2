import { type EnvironmentPolicy, environmentOf, isSoakSource } from "../../api/environment-policy.ts";
import { SYSTEM_NAMESPACE } from "../../api/name.ts";
import type { ConfigMapObject, KubernetesObject } from "../../api/object.ts";
import { parseSoakRecord, soakRecordName, soakRecordObject } from "../../api/soak-record.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { listIfServed } from "../../kube/optional-kind.ts";
import { isRequestChanged, type Outcome, type Watch, watchInformer } from "../../kube/reconcile.ts";
import { CONFIG_MAPS, HELM_RELEASES, keyOf, PODS } from "../../kube/resource.ts";
import { canonicalJson } from "../../platform/canonical-json.ts";
import { desiredSoakRecord, runningDigests } from "./desired-soak-record.ts";

export interface SoakDeps {
  client: KubeClient;
  fieldManager: string;
  policies: Informer<EnvironmentPolicy>;
  namespaces: Informer<KubernetesObject>;
  records: Informer<ConfigMapObject>;
  now: () => Date;
}

/** How often the operator lists the running digests of an environment that a soak rule names. */
const LOOK_EVERY_MS = 60_000;

/**
 * Records the running digests of each environment that a soak rule names. The operator lists the Pods there once a minute.
 * A cache of all Pods would cost memory in every cluster, and policies with soak rules name few environments.
 */
export function createSoakReconciler(deps: SoakDeps): (environment: string) => Promise<Outcome> {
  const { client, fieldManager, policies, namespaces, records, now } = deps;

  const isSource = (name: string): boolean => {
    const namespace = namespaces.get(name);
    const environment = namespace === undefined ? undefined : environmentOf(namespace);
    return (
      environment !== undefined &&
      policies
        .list()
        .some((policy) => policy.metadata.namespace === SYSTEM_NAMESPACE && isSoakSource(policy, environment))
    );
  };

  return async function reconcile(environment) {
    const key = { namespace: SYSTEM_NAMESPACE, name: soakRecordName(environment) };
    const cached = records.get(keyOf(key));
    if (!isSource(environment)) {
      if (cached !== undefined) await client.delete(CONFIG_MAPS, key);
      return { kind: "done" };
    }
    const [pods, releases = []] = await Promise.all([
      client.list<KubernetesObject>(PODS, { namespace: environment }),
      listIfServed<KubernetesObject>(client, HELM_RELEASES, { namespace: environment }),
    ]);
    const previous = parseSoakRecord(cached);
    const desired = desiredSoakRecord(previous, runningDigests(pods.items, releases), now().getTime());
    if (canonicalJson(desired) !== canonicalJson(previous))
      await client.apply(CONFIG_MAPS, soakRecordObject(environment, desired), { fieldManager });
    return { kind: "done", requeueAfterMs: LOOK_EVERY_MS };
  };
}

/** The keys are the names of environments. A reconcile repeats by itself while the environment is a source. */
export function soakWatches({ policies, namespaces }: Pick<SoakDeps, "policies" | "namespaces">): Watch[] {
  const environments = () =>
    namespaces.list().flatMap((it) => (environmentOf(it) === undefined ? [] : [it.metadata.name]));
  return [
    watchInformer(
      namespaces,
      (namespace) => (environmentOf(namespace) === undefined ? [] : [namespace.metadata.name]),
      ({ metadata: before }, { metadata }) => canonicalJson(before.labels) !== canonicalJson(metadata.labels),
    ),
    watchInformer(policies, environments, isRequestChanged),
  ];
}
