import { isConditionTrue } from "../api/condition.ts";
import { type KubernetesObject, secretValue } from "../api/object.ts";
import { isOperated, SOVEREIGN_CONDITION, type Sovereign } from "../api/sovereign.ts";
import { namespaceOf } from "../controllers/sovereign/desired-metadata.ts";
import { billingEnvironment, type EnvVariable } from "../controllers/sovereign/desired-pod.ts";
import { readSecrets, type Secrets, secretNames } from "../controllers/sovereign/secret.ts";
import type { KubeClient } from "../kube/client.ts";
import { type Informer, isWatched } from "../kube/informer.ts";
import { keyOf } from "../kube/resource.ts";
import { canonicalJson } from "../platform/canonical-json.ts";
import type { Env } from "../platform/env.ts";

/** Whether the operator may work on the Sovereign's database: it is local, not suspended, and has the schema. */
export const isMigrated = (sovereign: Sovereign): boolean =>
  isOperated(sovereign) && isConditionTrue(sovereign.status?.conditions, SOVEREIGN_CONDITION.migrated);

/**
 * Reads the environment of a Sovereign's billing Pods; undefined while a Secret that it needs does not exist. Secrets are
 * read again only when the version of one changes, or each time when the versions cannot be watched. Reading them every two
 * seconds cost a request for each Secret.
 */
export function createEnvironmentReader(deps: {
  client: KubeClient;
  secretVersions: Pick<Informer<KubernetesObject>, "get" | "silentForMs">;
}): (sovereign: Sovereign) => Promise<Env | undefined> {
  const { client, secretVersions } = deps;
  let last: { identity: string; env: Env | undefined } | undefined;

  return async (sovereign) => {
    const variables = billingEnvironment(sovereign);
    const namespace = namespaceOf(sovereign);
    const names = secretNames(sovereign);
    const versions = names.map((name) => {
      const { uid, resourceVersion } = secretVersions.get(keyOf({ name, namespace }))?.metadata ?? {};
      return [uid ?? null, resourceVersion ?? null];
    });
    const identity = canonicalJson([sovereign.metadata.name, variables, versions]);
    if (last?.identity === identity && isWatched(secretVersions)) return last.env;
    const env = resolve(variables, await readSecrets(client, sovereign, names));
    last = { identity, env };
    return env;
  };
}

/** Resolves references to Secrets as a kubelet does. */
function resolve(variables: readonly EnvVariable[], secrets: Secrets): Env | undefined {
  const env: Record<string, string> = {};
  for (const { name, value, valueFrom } of variables) {
    if (valueFrom === undefined) {
      env[name] = value ?? "";
      continue;
    }
    const { name: secret, key, optional = false } = valueFrom.secretKeyRef;
    const stored = secretValue(secrets.get(secret), key);
    if (stored !== undefined) env[name] = stored;
    else if (!optional) return undefined;
  }
  return env;
}
