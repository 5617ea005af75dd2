import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Applier } from "../../kube/apply.ts";
import type { KubeClient } from "../../kube/client.ts";
import { type Informer, isWatched } from "../../kube/informer.ts";
import { keyOf } from "../../kube/resource.ts";
import { sha256Digest } from "../../platform/canonical-json.ts";
import { namespaceOf } from "./desired-metadata.ts";
import { billingEnvironment, migrationVariables } from "./desired-pod.ts";
import {
  allSecretNames,
  databaseIdentity,
  databaseUrlIn,
  readSecrets,
  type Secrets,
  secretNames,
  secretsDigest,
} from "./secret.ts";
import { findSecretProblem, type SecretProblem } from "./secret-rule.ts";

/** The facts about a Sovereign's Secrets that a reconcile needs. Only `databaseUrl` returns a value. */
export interface SecretFacts {
  /** See `secretsDigest`. */
  digest: string | undefined;
  /** See `databaseIdentity`. */
  database: string | undefined;
  hasDatabaseSecret: boolean;
  /** A keyed digest of the database URL with its password; undefined while there is no URL. */
  login: string | undefined;
  /** The problem that prevents billing Pods from starting. */
  problem: SecretProblem | undefined;
  /** The problem that prevents the Pod of the migration Job from starting. */
  migrationProblem: SecretProblem | undefined;
  /** The value itself, for a login. */
  databaseUrl(): Promise<string | undefined>;
}

/** Reads the facts of Secrets. Sends a request only for Secrets that may have changed. */
export interface SecretReader {
  read(sovereign: Sovereign): Promise<SecretFacts>;
  /** Drops the facts of a deleted Sovereign. */
  forget(name: string): void;
}

/**
 * Keeps the facts of each Sovereign's Secrets together with the versions that it read. While the watch shows the same
 * versions, no Secret is read again. Without this, a new Sovereign read its two Secrets in each of its four or more
 * reconciles until it was Ready. Where Secrets cannot be watched, each reconcile reads them.
 */
export function createSecretReader(deps: {
  client: Pick<KubeClient, "get">;
  secretVersions: Pick<Informer<KubernetesObject>, "get" | "silentForMs">;
  applier: Pick<Applier, "isNew">;
  keyedDigest(text: string): string;
}): SecretReader {
  const { client, secretVersions, applier, keyedDigest } = deps;
  /** Without `databaseUrl`: it refers to a version of the Sovereign, which would stay in memory until the Secrets change. */
  const known = new Map<string, { basis: string; facts: Omit<SecretFacts, "databaseUrl"> }>();

  const readUrl = async (sovereign: Sovereign) => {
    const { name } = sovereign.spec.billing.database.secretRef;
    return databaseUrlIn(sovereign, await readSecrets(client, sovereign, [name]));
  };
  /**
   * Whether none of a new Sovereign's Secrets exists yet. The watch shows this in a namespace that this process created for
   * this spec. The watch may report one Secret long before another, so all are read as soon as it reports one: a Deployment
   * that was made without one of them would restart its Pods once the watch reports it.
   */
  const hasNone = ({ metadata }: Sovereign, namespace: string, versions: Versions) =>
    isWatched(secretVersions) &&
    metadata.generation === 1 &&
    applier.isNew(namespace) &&
    versions.every((version) => version === undefined);

  return {
    async read(sovereign) {
      const namespace = namespaceOf(sovereign);
      const { name: key } = sovereign.metadata;
      const names = allSecretNames(sovereign);
      const versions = names.map((name) => secretVersions.get(keyOf({ name, namespace })));
      if (hasNone(sovereign, namespace, versions)) return secretFactsOf(sovereign, new Map(), keyedDigest);
      const last = known.get(key);
      if (isWatched(secretVersions) && last !== undefined && last.basis === basisOf(sovereign, versions))
        return { ...last.facts, databaseUrl: () => readUrl(sovereign) };
      known.delete(key);
      const secrets = await readSecrets(client, sovereign, names);
      const { databaseUrl, ...facts } = secretFactsOf(sovereign, secrets, keyedDigest);
      const basis = basisOf(sovereign, [...secrets.values()]);
      if (basis !== undefined) known.set(key, { basis, facts });
      return { ...facts, databaseUrl };
    },
    forget: (name) => void known.delete(name),
  };
}

type Versions = readonly (KubernetesObject | undefined)[];

/** The values that the facts depend on, as a digest; undefined while a Secret does not exist. */
function basisOf(sovereign: Sovereign, secrets: Versions): string | undefined {
  if (secrets.includes(undefined)) return undefined;
  const versions = secrets.map((secret) => secret && [secret.metadata.uid, secret.metadata.resourceVersion]);
  const { metadata, spec } = sovereign;
  const variables = [billingEnvironment(sovereign), migrationVariables(sovereign)];
  return sha256Digest(
    JSON.stringify([metadata.uid, spec.namespace, spec.billing.database, variables, versions]),
  );
}

export function secretFactsOf(
  sovereign: Sovereign,
  secrets: Secrets,
  keyedDigest: (text: string) => string,
): SecretFacts {
  const namespace = namespaceOf(sovereign);
  const url = databaseUrlIn(sovereign, secrets);
  const ofPods = new Map(secretNames(sovereign).map((name) => [name, secrets.get(name)]));
  return {
    digest: secretsDigest(sovereign, ofPods, keyedDigest),
    database: databaseIdentity(sovereign, secrets),
    hasDatabaseSecret: secrets.get(sovereign.spec.billing.database.secretRef.name) !== undefined,
    login: url === undefined ? undefined : keyedDigest(url),
    problem: findSecretProblem(billingEnvironment(sovereign), secrets, namespace),
    migrationProblem: findSecretProblem(migrationVariables(sovereign), secrets, namespace),
    databaseUrl: async () => url,
  };
}
