import { findCondition, isConditionTrue } from "../../../api/condition.ts";
import { migrationJobName } from "../../../api/name.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { liveObject, podsOf } from "../cache.ts";
import { desiredMigrationJob } from "../desired-migration.ts";
import { containerWords, type JobObject, jobCondition, migrationResult } from "../observed.ts";
import { fails, holds, type Stop, stalled, waiting } from "../status.ts";
import { applyOne, type Step } from "./step.ts";

/** The migration Job, once for each digest; what it reports is the schema's version and fingerprint. */
export async function migrate(step: Step, image: string): Promise<Stop | undefined> {
  const { deps, sovereign, findings } = step;
  if (isMigrated(sovereign, image)) return undefined;
  const desired = desiredMigrationJob(sovereign, image);
  const live = (liveObject(deps.caches, desired) ?? (await applyOne(step, desired))) as JobObject;
  const { name, namespace = "" } = desired.metadata;
  const pods = podsOf(deps.caches, namespace, "billing-migrate");
  const words = containerWords(pods).at(-1);
  const failure = jobCondition(live, "Failed");
  if (failure !== undefined) {
    const message = `Job ${name} failed: ${words ?? failure.message ?? ""}; mend the cause, then delete the Job to try again`;
    findings.conditions.push(fails(CONDITION.migrated, "MigrationFailed", message));
    return stalled("MigrationFailed", message);
  }
  const result = jobCondition(live, "Complete") === undefined ? undefined : migrationResult(pods);
  if (result === undefined) {
    const message = `Job ${name} has not finished${words === undefined ? "" : `: ${words}`}`;
    findings.conditions.push(fails(CONDITION.migrated, "Migrating", message));
    return waiting("Migrating", message);
  }
  findings.facts.schemaVersion = result.version;
  findings.facts.schemaFingerprint = result.fingerprint;
  findings.conditions.push(
    holds(CONDITION.migrated, "Migrated", `Job ${name}: schema ${result.version}, ${result.fingerprint}`),
  );
  return undefined;
}

/** The condition names the Job, and with it the digest, that it speaks of. */
function isMigrated({ status }: Sovereign, image: string): boolean {
  const migrated = findCondition(status?.conditions, CONDITION.migrated);
  return (
    status?.pinnedImage === image &&
    isConditionTrue(status.conditions, CONDITION.migrated) &&
    migrated?.message.includes(migrationJobName(image)) === true
  );
}
