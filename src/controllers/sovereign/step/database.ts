import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { SECRETS } from "../../../kube/resource.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { fails, holds, type Stop, waiting } from "../status.ts";
import { SOON_MS, type Step } from "./step.ts";

/** Whether the Secret with the database's URL is there. Whether the database answers, the migration finds out. */
export async function checkDatabase({ deps, sovereign, findings }: Step): Promise<Stop | undefined> {
  const namespace = namespaceOf(sovereign);
  const { name, key } = sovereign.spec.billing.database.secretRef;
  const secret = await deps.client.get<KubernetesObject & { data?: Record<string, string> }>(SECRETS, {
    name,
    namespace,
  });
  const stop = (reason: string, message: string) => {
    findings.conditions.push(fails(CONDITION.databaseReady, reason, message));
    return waiting(reason, message, SOON_MS);
  };
  if (secret === undefined) {
    return stop(
      "SecretMissing",
      `Secret ${namespace}/${name} does not exist: create it with the Postgres URL under ${key}`,
    );
  }
  if (!secret.data?.[key]) {
    return stop("KeyMissing", `Secret ${namespace}/${name} has no key ${key}: put the Postgres URL there`);
  }
  findings.conditions.push(
    holds(CONDITION.databaseReady, "SecretFound", `Secret ${namespace}/${name} has the URL under ${key}`),
  );
  return undefined;
}
