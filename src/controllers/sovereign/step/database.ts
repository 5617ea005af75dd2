import { isConditionTrue } from "../../../api/condition.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { REVERIFY_MS } from "../evidence.ts";
import { type DeploymentObject, rolloutPending } from "../observed.ts";
import { databaseUrlIn, type Secrets } from "../secret.ts";
import { fails, holds, type Stop, waiting } from "../status.ts";
import { SOON_MS, type Step } from "./step.ts";

/**
 * Waits until the database that the Secret names takes a login. While `deployment` runs on it and its smoke test is
 * fresh, that is known already: a login for each look at each Sovereign would be a load of its own.
 */
export async function checkDatabase(
  { deps, sovereign, findings }: Step,
  secrets: Secrets,
  deployment: DeploymentObject | undefined,
): Promise<Stop | undefined> {
  const namespace = namespaceOf(sovereign);
  const { name, key } = sovereign.spec.billing.database.secretRef;
  const stop = (reason: string, message: string) => {
    findings.conditions.push(fails(CONDITION.databaseReady, reason, message));
    return waiting(reason, message, SOON_MS);
  };
  const where = `Secret ${namespace}/${name}`;
  if (secrets.get(name) === undefined)
    return stop("SecretMissing", `${where} does not exist: create it with the Postgres URL under ${key}`);
  const databaseUrl = databaseUrlIn(sovereign, secrets);
  if (databaseUrl === undefined)
    return stop("KeyMissing", `${where} has no key ${key}: put the Postgres URL there`);
  const isServing = deployment !== undefined && rolloutPending(deployment) === undefined;
  if (isServing && isProvenLately(sovereign, deps.now().getTime())) return undefined;

  const probe = await deps.probeDatabase(databaseUrl, namespace);
  if (probe.kind === "unready")
    return stop("DatabaseSilent", `the database that ${where} names under ${key}: ${probe.reason}`);
  findings.conditions.push(
    probe.kind === "ready"
      ? holds(
          CONDITION.databaseReady,
          "Answers",
          `the database that ${where} names under ${key} takes a login`,
        )
      : holds(CONDITION.databaseReady, "SecretFound", `${where} has a URL under ${key}; ${probe.reason}`),
  );
  return undefined;
}

function isProvenLately({ status }: Sovereign, nowMs: number): boolean {
  const last = status?.lastSmokeTest;
  return (
    isConditionTrue(status?.conditions, CONDITION.databaseReady) &&
    last?.passed === true &&
    nowMs - Date.parse(last.time) < REVERIFY_MS
  );
}
