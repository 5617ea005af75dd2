import { isConditionTrue } from "../../../api/condition.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { type ReconcileContext, SOON_MS } from "../context.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { REVERIFY_MS } from "../evidence.ts";
import { type DeploymentObject, rolloutPending } from "../observed.ts";
import { databaseUrlIn, type Secrets } from "../secret.ts";
import { falseCondition, type Stop, stalled, trueCondition, waiting } from "../status.ts";

/** How often a refused database is looked at again. A person hands it over in the database, which no watch shows. */
const TAKEN_RETRY_MS = 60_000;

/**
 * Waits until the database that the Secret names accepts a login. Another Sovereign's database is refused. A rolled-out `deployment` with a fresh smoke test proves
 * that already. The probe is then skipped, because a login for each reconcile of each Sovereign would load the database.
 */
export async function checkDatabase(
  { deps, sovereign, findings }: ReconcileContext,
  secrets: Secrets,
  deployment: DeploymentObject | undefined,
): Promise<Stop | undefined> {
  const namespace = namespaceOf(sovereign);
  const { name, key } = sovereign.spec.billing.database.secretRef;
  const stop = (reason: string, message: string) => {
    findings.conditions.push(falseCondition(CONDITION.databaseReady, reason, message));
    return waiting(reason, message, SOON_MS);
  };
  const secret = `Secret ${namespace}/${name}`;
  if (secrets.get(name) === undefined)
    return stop(
      "SecretMissing",
      `${secret} does not exist: create it with the Postgres URL under key ${key}`,
    );
  const databaseUrl = databaseUrlIn(sovereign, secrets);
  if (databaseUrl === undefined)
    return stop("KeyMissing", `${secret} has no key ${key}: add the Postgres URL under this key`);
  const isServing = deployment !== undefined && rolloutPending(deployment) === undefined;
  if (isServing && isProvenLately(sovereign, deps.now().getTime())) return undefined;

  const database = `the database in ${secret}, key ${key},`;
  const probe = await deps.probeDatabase({ databaseUrl, namespace, fqdn: sovereign.spec.fqdn });
  if (probe.kind === "foreign") {
    const message = `${secret}, key ${key}: ${probe.reason}`;
    findings.conditions.push(falseCondition(CONDITION.databaseReady, "DatabaseTaken", message));
    findings.requeueAfterMs = TAKEN_RETRY_MS;
    return stalled("DatabaseTaken", message);
  }
  if (probe.kind === "unready") {
    return stop(
      "DatabaseUnreachable",
      `${database} does not accept a login (${probe.reason}): check the database and the URL`,
    );
  }
  findings.conditions.push(
    probe.kind === "ready"
      ? trueCondition(CONDITION.databaseReady, "DatabaseReachable", `${database} accepts a login`)
      : trueCondition(
          CONDITION.databaseReady,
          "DatabaseUntested",
          `${secret} has a URL under key ${key}; the operator did not try a login: ${probe.reason}`,
        ),
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
