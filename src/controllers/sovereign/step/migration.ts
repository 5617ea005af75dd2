import { findCondition, isConditionTrue } from "../../../api/condition.ts";
import { migrationJobName } from "../../../api/name.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { JOBS } from "../../../kube/resource.ts";
import { liveObject, podsOfJob } from "../cache.ts";
import { desiredMigrationJob } from "../desired-migration.ts";
import { containerWords, type JobObject, jobCondition, migrationResult } from "../observed.ts";
import { fails, holds, type Stop, stalled, waiting } from "../status.ts";
import { applyManaged } from "./drift.ts";
import type { Step } from "./step.ts";

/** A Pod's last words reach the cache a moment after its Job's end; later than this, they are lost. */
const RESULT_PATIENCE_MS = 60_000;

/** The migration Job, once for each digest; what it reports is the schema's version and fingerprint. */
export async function migrate(step: Step, image: string): Promise<Stop | undefined> {
  const { deps, sovereign, findings } = step;
  if (isMigrated(sovereign, image)) return undefined;
  const desired = desiredMigrationJob(sovereign, image);
  const job = (liveObject(deps.caches, desired) ?? (await applyManaged(step, desired))) as JobObject;
  const { name } = desired.metadata;
  const pods = podsOfJob(deps.caches, job);
  const words = containerWords(pods).at(-1);
  const failure = jobCondition(job, "Failed");
  if (failure !== undefined) {
    const message = `Job ${name} failed: ${words ?? failure.message ?? ""}; mend the cause, then delete the Job to try again`;
    findings.conditions.push(fails(CONDITION.migrated, "MigrationFailed", message));
    return stalled("MigrationFailed", message);
  }
  const isComplete = jobCondition(job, "Complete") !== undefined;
  const result = isComplete ? migrationResult(pods) : undefined;
  if (result === undefined) {
    if (isComplete && isResultLost(job, deps.now())) await deps.client.delete(JOBS, job.metadata);
    const message = `Job ${name} has not ${isComplete ? "said what it found" : "finished"}${words === undefined ? "" : `: ${words}`}`;
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

/** Somebody deleted its Pod: the Job is run again, which finds a database that is there already. */
function isResultLost({ status }: JobObject, now: Date): boolean {
  return now.getTime() - Date.parse(status?.completionTime ?? "") > RESULT_PATIENCE_MS;
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
