import { type SecretObject, secretValue } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { KubeClient } from "../../kube/client.ts";
import { SECRETS } from "../../kube/resource.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { namespaceOf } from "./desired-metadata.ts";
import { billingEnvironment } from "./desired-pod.ts";

/** Live Secrets by name; undefined for one that does not exist. */
export type Secrets = ReadonlyMap<string, SecretObject | undefined>;

/** Names of the Secrets that the billing Pods' environment refers to. */
export function secretNames(sovereign: Sovereign): string[] {
  const names = billingEnvironment(sovereign).flatMap(({ valueFrom }) => valueFrom?.secretKeyRef.name ?? []);
  return [...new Set(names)].sort();
}

/** Names of all Secrets of the Sovereign: those of its billing Pods and of its migration Job. */
export function allSecretNames(sovereign: Sovereign): string[] {
  const owner = sovereign.spec.billing.database.migrationSecretRef;
  return [...new Set([...secretNames(sovereign), ...(owner === undefined ? [] : [owner.name])])];
}

/** Reads Secrets of the Sovereign's namespace from the server: no cache holds their values. */
export async function readSecrets(
  client: Pick<KubeClient, "get">,
  sovereign: Sovereign,
  names: readonly string[],
): Promise<Secrets> {
  const namespace = namespaceOf(sovereign);
  const reads = names.map(
    async (name) => [name, await client.get<SecretObject>(SECRETS, { name, namespace })] as const,
  );
  return new Map(await Promise.all(reads));
}

/**
 * A digest of the values that the Pods' environment takes from Secrets; undefined while a Secret is missing. A Pod reads a value
 * only when it starts, so another digest must start new Pods. Labels, annotations and other keys change nothing.
 */
export function secretsDigest(
  sovereign: Sovereign,
  secrets: Secrets,
  keyedDigest: (text: string) => string,
): string | undefined {
  if ([...secrets.values()].includes(undefined)) return undefined;
  const values = billingEnvironment(sovereign).flatMap(({ valueFrom }) => {
    if (valueFrom === undefined) return [];
    const { name, key } = valueFrom.secretKeyRef;
    return [[name, key, secrets.get(name)?.data?.[key] ?? null]];
  });
  return keyedDigest(canonicalJson(values));
}

/** The Postgres URL under the key that the Sovereign names; undefined without a Secret, key or value. */
export function databaseUrlIn(sovereign: Sovereign, secrets: Secrets): string | undefined {
  const { name, key } = sovereign.spec.billing.database.secretRef;
  return secretValue(secrets.get(name), key) || undefined;
}

/**
 * Identifies the database that the Secret's URL names; undefined while there is no URL. A new password does not change the
 * identity. Another Secret, the same Secret created again, or another address may mean another database. Another migrating
 * role also changes the identity, because the migration gives the roles their rights.
 */
export function databaseIdentity(sovereign: Sovereign, secrets: Secrets): string | undefined {
  const url = databaseUrlIn(sovereign, secrets);
  if (url === undefined) return undefined;
  const { secretRef, migrationSecretRef: owner } = sovereign.spec.billing.database;
  const { name, key } = secretRef;
  // Greedy: a password may contain an @, and the address begins after the last one.
  const address = url.replace(/^([^:]+:\/\/).*@/, "$1").replace(/\?.*$/, "");
  const roles = owner === undefined ? [] : [owner.name, owner.key];
  return sha256Digest(canonicalJson([name, key, secrets.get(name)?.metadata.uid ?? "", address, ...roles]));
}
