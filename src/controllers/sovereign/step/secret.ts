import type { KubernetesObject, SecretObject } from "../../../api/object.ts";
import { SECRETS } from "../../../kube/resource.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { type Secrets, secretNames } from "../secret.ts";
import { type Stop, waiting } from "../status.ts";
import { SOON_MS, type Step } from "./step.ts";

/** Reads the Secrets that the manifest names, one at a time: the operator may list none, and so watches none. */
export async function readSecrets({ deps, sovereign }: Step): Promise<Secrets> {
  const namespace = namespaceOf(sovereign);
  const secrets = new Map<string, SecretObject | undefined>();
  for (const name of secretNames(sovereign))
    secrets.set(name, await deps.client.get<KubernetesObject>(SECRETS, { name, namespace }));
  return secrets;
}

/** A Pod that starts without one of its Secrets does not start. */
export function findMissingSecret({ sovereign }: Step, secrets: Secrets): Stop | undefined {
  const [missing] = [...secrets].find(([, secret]) => secret === undefined) ?? [];
  if (missing === undefined) return undefined;
  const where = `Secret ${namespaceOf(sovereign)}/${missing}`;
  return waiting("SecretMissing", `${where} does not exist: create it`, SOON_MS);
}
