import { isConditionTrue } from "../../../api/condition.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { MEASUREMENT_FALLBACK_MS } from "../../measurement.ts";
import { type ReconcileContext, secretRetryMs } from "../context.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { type Findings, requeueWithin } from "../findings.ts";
import type { DatabaseProbe } from "../measurement.ts";
import { type DeploymentObject, rolloutPending } from "../observed.ts";
import type { SecretFacts } from "../secret-facts.ts";
import { falseCondition, type Stop, stalled, trueCondition, waiting } from "../status.ts";

/** How often a refused database is checked again. A person hands it over inside the database, which no watch reports. */
const TAKEN_RETRY_MS = 60_000;

/** The Secret or its key was removed before the login. The watch of Secrets reports it soon. */
const SECRET_GONE: DatabaseProbe = { kind: "unready", reason: "its Secret or its key is gone" };

/** A successful login proves little about the database a minute later. */
const PROBE_MAX_AGE_MS = 60_000;

/**
 * Waits until the database that the Secret names accepts a login. Refuses another Sovereign's database. The probe is
 * skipped while `deployment` is rolled out and the last smoke test passed, because those already prove that the login
 * works. A login for each reconcile of each Sovereign would load the database.
 */
export async function checkDatabase(
  { deps, sovereign, findings }: ReconcileContext,
  secrets: SecretFacts,
  deployment: DeploymentObject | undefined,
): Promise<Stop | undefined> {
  const namespace = namespaceOf(sovereign);
  const { name, key } = sovereign.spec.billing.database.secretRef;
  const stop = (reason: string, message: string, retryAfterMs = secretRetryMs(deps)) => {
    findings.conditions.push(falseCondition(CONDITION.databaseReady, reason, message));
    return waiting(reason, message, retryAfterMs);
  };
  const secret = `Secret ${namespace}/${name}`;
  if (!secrets.hasDatabaseSecret)
    return stop(
      "SecretMissing",
      `${secret} does not exist: create it with the Postgres URL under key ${key}`,
    );
  if (secrets.login === undefined)
    return stop("KeyMissing", `${secret} has no key ${key}: add the Postgres URL under this key`);
  const isServing = deployment !== undefined && rolloutPending(deployment) === undefined;
  if (isServing && isProven(sovereign)) return undefined;

  const database = `the database in ${secret}, key ${key},`;
  const { fqdn } = sovereign.spec;
  const isVerified = sovereign.status?.verified !== undefined;
  const probe = await deps.probes.read(
    sovereign.metadata.name,
    // A login from before the first migration shows no schema, which must not count afterwards.
    [secrets.login, namespace, fqdn, isVerified ? "verified" : ""].join(" "),
    async () => {
      const databaseUrl = await secrets.databaseUrl();
      const value =
        databaseUrl === undefined ? SECRET_GONE : await deps.probeDatabase({ databaseUrl, namespace, fqdn });
      return { value, isGood: value.kind === "ready" || value.kind === "untested" };
    },
    PROBE_MAX_AGE_MS,
  );
  if (probe === undefined)
    return waiting("DatabaseProbing", `the operator tries a login to ${database}`, MEASUREMENT_FALLBACK_MS);
  if (probe.kind === "foreign") {
    const message = `${secret}, key ${key}: ${probe.reason}`;
    findings.conditions.push(falseCondition(CONDITION.databaseReady, "DatabaseTaken", message));
    requeueWithin(findings, TAKEN_RETRY_MS);
    return stalled("DatabaseTaken", message);
  }
  if (probe.kind === "unready") {
    return stop(
      "DatabaseUnreachable",
      `${database} does not accept a login (${probe.reason}): check the database and the URL`,
      MEASUREMENT_FALLBACK_MS,
    );
  }
  if (probe.kind === "ready" && isVerified && probe.schemaVersion !== undefined) {
    if (probe.schemaVersion === null && sovereign.status?.migration?.database === secrets.database)
      return stopEmpty(findings, secret, key);
    findings.databaseVersion = probe.schemaVersion;
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

/**
 * An empty database in place of one that was migrated has lost every order and voucher. The operator must not begin again in
 * it by itself.
 */
function stopEmpty(findings: Findings, secret: string, key: string): Stop {
  const message = `${secret}, key ${key}: the database has no billing schema, and it was migrated before: restore its backup; to begin with an empty database, delete the Secret and create it again`;
  findings.conditions.push(falseCondition(CONDITION.databaseReady, "DatabaseEmpty", message));
  requeueWithin(findings, TAKEN_RETRY_MS);
  return stalled("DatabaseEmpty", message);
}

function isProven({ status }: Sovereign): boolean {
  return (
    isConditionTrue(status?.conditions, CONDITION.databaseReady) && status?.lastSmokeTest?.passed === true
  );
}
