import type { SecretObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { billingEnvironment } from "./desired-pod.ts";

/** Secrets by name, as they are now; undefined for one that is not there. */
export type Secrets = ReadonlyMap<string, SecretObject | undefined>;

/** Names of the Secrets that billing's environment refers to. */
export function secretNames(sovereign: Sovereign): string[] {
  const names = billingEnvironment(sovereign).flatMap(({ valueFrom }) => valueFrom?.secretKeyRef.name ?? []);
  return [...new Set(names)].sort();
}

/** Which versions of them there are; undefined while one is missing. Pods read a Secret when they start, and never again. */
export function secretsDigest(secrets: Secrets): string | undefined {
  const versions = [...secrets].map(([name, secret]) => [
    name,
    secret?.metadata.uid,
    secret?.metadata.resourceVersion,
  ]);
  return [...secrets.values()].includes(undefined) ? undefined : sha256Digest(canonicalJson(versions));
}

/** The Postgres URL under the key that the Sovereign names. */
export function databaseUrlIn(sovereign: Sovereign, secrets: Secrets): string | undefined {
  const { name, key } = sovereign.spec.billing.database.secretRef;
  const encoded = secrets.get(name)?.data?.[key];
  return encoded ? Buffer.from(encoded, "base64").toString() : undefined;
}

/**
 * Which database the Secret leads to. A new password leads to the same one; another Secret, the same Secret made anew, or
 * another address may not. Undefined while there is no URL.
 */
export function databaseIdentity(sovereign: Sovereign, secrets: Secrets): string | undefined {
  const url = databaseUrlIn(sovereign, secrets);
  if (url === undefined) return undefined;
  const { name, key } = sovereign.spec.billing.database.secretRef;
  // Greedy: of an address, nothing before the last @ is part.
  const address = url.replace(/^([^:]+:\/\/).*@/, "$1").replace(/\?.*$/, "");
  return sha256Digest(canonicalJson([name, key, secrets.get(name)?.metadata.uid ?? "", address]));
}
