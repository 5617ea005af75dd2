import { isConditionTrue } from "../../api/condition.ts";
import { sovereignNamespace } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";
import type { KubeClient } from "../../kube/client.ts";
import { SECRETS } from "../../kube/resource.ts";

type SecretObject = KubernetesObject & { data?: Record<string, string> };

export interface SovereignSecrets {
  databaseUrl: string;
  /** Present where the Sovereign takes HS256 tokens. */
  jwtSecret: string | undefined;
}

/** Whether its database has the schema, so that somebody may work on it. */
export const isMigrated = ({ spec, status }: Sovereign): boolean =>
  spec.cluster === undefined &&
  !spec.suspend &&
  isConditionTrue(status?.conditions, SOVEREIGN_CONDITION.migrated);

/** Reads what a Sovereign's manifest refers to; undefined while it is not there. */
export async function readSovereignSecrets(
  client: KubeClient,
  sovereign: Sovereign,
): Promise<SovereignSecrets | undefined> {
  const namespace = sovereignNamespace(sovereign.metadata.name, sovereign.spec.namespace);
  const read = async ({ name, key }: { name: string; key: string }) => {
    const value = (await client.get<SecretObject>(SECRETS, { name, namespace }))?.data?.[key];
    return value === undefined ? undefined : Buffer.from(value, "base64").toString();
  };
  const { database, auth } = sovereign.spec.billing;
  const databaseUrl = await read(database.secretRef);
  const jwtSecret = auth.secretRef === undefined ? undefined : await read(auth.secretRef);
  return databaseUrl === undefined ? undefined : { databaseUrl, jwtSecret };
}
