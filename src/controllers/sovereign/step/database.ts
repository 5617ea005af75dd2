import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { SECRETS } from "../../../kube/resource.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { fails, holds, type Stop, waiting } from "../status.ts";
import { SOON_MS, type Step } from "./step.ts";

/** Waits until the database that the Secret names takes a login. */
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
  const where = `Secret ${namespace}/${name}`;
  if (secret === undefined)
    return stop("SecretMissing", `${where} does not exist: create it with the Postgres URL under ${key}`);
  const encodedUrl = secret.data?.[key];
  if (!encodedUrl) return stop("KeyMissing", `${where} has no key ${key}: put the Postgres URL there`);

  const probe = await deps.probeDatabase(Buffer.from(encodedUrl, "base64").toString(), namespace);
  if (probe.kind === "silent")
    return stop("DatabaseSilent", `the database that ${where} names under ${key}: ${probe.reason}`);
  findings.conditions.push(
    probe.kind === "answers"
      ? holds(
          CONDITION.databaseReady,
          "Answers",
          `the database that ${where} names under ${key} takes a login`,
        )
      : holds(CONDITION.databaseReady, "SecretFound", `${where} has a URL under ${key}; ${probe.reason}`),
  );
  return undefined;
}
