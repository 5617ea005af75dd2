import { isConditionTrue } from "../../../api/condition.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { JOBS } from "../../../kube/resource.ts";
import { liveObject, podsOfJob } from "../cache.ts";
import type { ReconcileContext } from "../context.ts";
import { desiredMigrationJob } from "../desired-migration.ts";
import { containerMessages, type JobObject, jobCondition, migrationResult } from "../observed.ts";
import { falseCondition, type Stop, stalled, trueCondition, waiting } from "../status.ts";

/** A Pod's termination message reaches the cache a moment after its Job ends. Later than this, it is lost. */
const RESULT_TIMEOUT_MS = 60_000;

/**
 * The image whose migration ran on this database, so that it may run on it. While the database's Secret is missing,
 * `database` is undefined: the Sovereign then counts as still on the database that it was migrated on.
 */
export function migratedImage({ status }: Sovereign, database: string | undefined): string | undefined {
  const { migration } = status ?? {};
  return database === undefined || migration?.database === database ? migration?.image : undefined;
}

/** Runs the migration Job, once for each image and database. The Job reports the schema's version and fingerprint. */
export async function migrate(
  context: ReconcileContext,
  image: string,
  database: string,
): Promise<Stop | undefined> {
  const { deps, sovereign, findings } = context;
  if (migratedImage(sovereign, database) === image) {
    if (!isConditionTrue(sovereign.status?.conditions, CONDITION.migrated)) {
      findings.conditions.push(
        trueCondition(CONDITION.migrated, "Migrated", "the migration of this image ran earlier"),
      );
    }
    return undefined;
  }
  const job = await ensureJob(context, image, database);
  const pods = podsOfJob(deps.caches, job);
  const failure = jobCondition(job, "Failed");
  if (failure !== undefined) {
    const cause = containerMessages(pods).at(-1) ?? failure.message ?? "no Pod left a message";
    const message = `Job ${job.metadata.name} failed: ${cause}; fix the cause, then delete the Job to run it again`;
    findings.conditions.push(falseCondition(CONDITION.migrated, "MigrationFailed", message));
    return stalled("MigrationFailed", message);
  }
  const result = jobCondition(job, "Complete") === undefined ? undefined : migrationResult(pods);
  if (result === undefined) return await awaitResult(context, job, containerMessages(pods).at(-1));
  findings.facts.migration = { image, database };
  findings.facts.schemaVersion = result.version;
  findings.facts.schemaFingerprint = result.fingerprint;
  findings.conditions.push(
    trueCondition(
      CONDITION.migrated,
      "Migrated",
      `Job ${job.metadata.name} migrated the database to schema ${result.version}, fingerprint ${result.fingerprint}`,
    ),
  );
  return undefined;
}

/** Creates the Job and never applies it: when two operators create it, the API server refuses one of them. */
async function ensureJob(
  { deps, sovereign }: ReconcileContext,
  image: string,
  database: string,
): Promise<JobObject> {
  const desired = desiredMigrationJob(sovereign, image, database);
  const cached = liveObject(deps.caches, desired);
  return (cached ??
    (await deps.client.get(JOBS, desired.metadata)) ??
    (await deps.client.create(JOBS, desired))) as JobObject;
}

/** Waits for the Job's end and its result. A result that is lost costs another run of the Job. */
async function awaitResult(
  { deps, findings }: ReconcileContext,
  job: JobObject,
  lastMessage: string | undefined,
): Promise<Stop> {
  const isComplete = jobCondition(job, "Complete") !== undefined;
  const { name, uid } = job.metadata;
  if (isComplete && isResultLost(job, deps.now()))
    await deps.client.delete(JOBS, job.metadata, uid === undefined ? {} : { uid });
  const state = isComplete
    ? "is complete, but the operator has not read its result yet"
    : "has not finished yet";
  const message = `Job ${name} ${state}${lastMessage === undefined ? "" : `: ${lastMessage}`}`;
  findings.conditions.push(falseCondition(CONDITION.migrated, "Migrating", message));
  return waiting("Migrating", message);
}

/** The Job's Pod is gone, and its result with it. Run the Job again: it finds the database already migrated. */
function isResultLost({ status }: JobObject, now: Date): boolean {
  return now.getTime() - Date.parse(status?.completionTime ?? "") > RESULT_TIMEOUT_MS;
}
