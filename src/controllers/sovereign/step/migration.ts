import { isConditionTrue } from "../../../api/condition.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { JOBS } from "../../../kube/resource.ts";
import { liveObject, podsOfJob } from "../cache.ts";
import { desiredMigrationJob } from "../desired-migration.ts";
import { containerWords, type JobObject, jobCondition, migrationResult } from "../observed.ts";
import { fails, holds, type Stop, stalled, waiting } from "../status.ts";
import type { Step } from "./step.ts";

/** A Pod's last words reach the cache a moment after its Job's end; later than this, they are lost. */
const RESULT_PATIENCE_MS = 60_000;

/**
 * The image whose migration ran on this database, and which may therefore run on it. A database that cannot be told for
 * the moment, as its Secret is away, is taken for the one that it was.
 */
export function migratedImage({ status }: Sovereign, database: string | undefined): string | undefined {
  const { migration } = status ?? {};
  return database === undefined || migration?.database === database ? migration?.image : undefined;
}

/** The migration Job, once for each digest and database; what it reports is the schema's version and fingerprint. */
export async function migrate(step: Step, image: string, database: string): Promise<Stop | undefined> {
  const { deps, sovereign, findings } = step;
  if (migratedImage(sovereign, database) === image) {
    if (!isConditionTrue(sovereign.status?.conditions, CONDITION.migrated))
      findings.conditions.push(holds(CONDITION.migrated, "Migrated", "this image's migration ran before"));
    return undefined;
  }
  const job = await keepJob(step, image, database);
  const { name } = job.metadata;
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
    const { uid } = job.metadata;
    if (isComplete && isResultLost(job, deps.now()))
      await deps.client.delete(JOBS, job.metadata, uid === undefined ? {} : { uid });
    const message = `Job ${name} has not ${isComplete ? "said what it found" : "finished"}${words === undefined ? "" : `: ${words}`}`;
    findings.conditions.push(fails(CONDITION.migrated, "Migrating", message));
    return waiting("Migrating", message);
  }
  findings.facts.migration = { image, database };
  findings.facts.schemaVersion = result.version;
  findings.facts.schemaFingerprint = result.fingerprint;
  findings.conditions.push(
    holds(CONDITION.migrated, "Migrated", `Job ${name}: schema ${result.version}, ${result.fingerprint}`),
  );
  return undefined;
}

/** Created, and never applied: of two who create it one is refused, so that there is one. */
async function keepJob({ deps, sovereign }: Step, image: string, database: string): Promise<JobObject> {
  const desired = desiredMigrationJob(sovereign, image, database);
  const cached = liveObject(deps.caches, desired);
  return (cached ??
    (await deps.client.get(JOBS, desired.metadata)) ??
    (await deps.client.create(JOBS, desired))) as JobObject;
}

/** Somebody deleted its Pod: the Job is run again, which finds a database that is there already. */
function isResultLost({ status }: JobObject, now: Date): boolean {
  return now.getTime() - Date.parse(status?.completionTime ?? "") > RESULT_PATIENCE_MS;
}
