import { sovereignNamespace } from "../api/name.ts";
import { type KubernetesObject, type SecretObject, secretValue } from "../api/object.ts";
import type { Sovereign } from "../api/sovereign.ts";
import type { KubeClient } from "../kube/client.ts";
import { type Informer, isWatched } from "../kube/informer.ts";
import { keyOf, SECRETS } from "../kube/resource.ts";
import { isDatabaseUrl } from "../platform/env.ts";

/**
 * Reads the Postgres URL of Sovereigns, in the form that resolves outside their namespaces. The Secret is read again only
 * when its version changes, or at each pass when the versions cannot be watched. Reading it at each pass cost a request
 * every two seconds for each Sovereign.
 */
export function createDatabaseUrlReader(deps: {
  client: KubeClient;
  secretVersions: Pick<Informer<KubernetesObject>, "get" | "silentForMs">;
}): {
  /** Undefined while the Secret or its key does not exist. */
  read(sovereign: Sovereign): Promise<string | undefined>;
  /** Drops the URL, which is then read again. */
  forget(sovereign: string): void;
} {
  const { client, secretVersions } = deps;
  const known = new Map<string, { version: string; url: string }>();

  return {
    async read({ metadata, spec }) {
      const { name, key } = spec.billing.database.secretRef;
      const secret = { name, namespace: sovereignNamespace(metadata.name, spec.namespace) };
      const versionOf = (object: KubernetesObject | undefined) =>
        object && [keyOf(secret), key, object.metadata.uid, object.metadata.resourceVersion].join(" ");
      const last = known.get(metadata.name);
      const newest = isWatched(secretVersions) ? versionOf(secretVersions.get(keyOf(secret))) : undefined;
      if (last !== undefined && last.version === newest) return last.url;
      const stored = await client.get<SecretObject>(SECRETS, secret);
      const version = versionOf(stored);
      const value = secretValue(stored, key);
      if (version === undefined || value === undefined) {
        known.delete(metadata.name);
        return undefined;
      }
      const url = clusterUrl(value, secret.namespace);
      known.set(metadata.name, { version, url });
      return url;
    },
    forget: (sovereign) => void known.delete(sovereign),
  };
}

/**
 * The URL in a form that resolves outside `namespace`: a host name without dots is a Service there. Throws when the text is
 * no PostgreSQL URL.
 */
export function clusterUrl(databaseUrl: string, namespace: string): string {
  const url = new URL(databaseUrl);
  if (!isDatabaseUrl(databaseUrl)) throw new TypeError("not a Postgres URL");
  if (/^[a-z0-9-]+$/i.test(url.hostname) && url.hostname !== "localhost")
    url.hostname = `${url.hostname}.${namespace}.svc`;
  return url.toString();
}
