import { isConditionTrue } from "../../../api/condition.ts";
import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { labelSelectorOf } from "../../../kube/client.ts";
import { JOBS, PODS } from "../../../kube/resource.ts";
import { isPodOf, migrationJobs, podsOfJob } from "../cache.ts";
import { type ReconcileContext, SOON_MS, secretRetryMs } from "../context.ts";
import { selectorLabels } from "../desired-metadata.ts";
import { desiredMigrationJob } from "../desired-migration.ts";
import { findJobRefusal } from "../job-refusal.ts";
import {
  isFinishedJob,
  isFinishedPod,
  type JobObject,
  jobCondition,
  migrationMessages,
  migrationResult,
  type PodObject,
} from "../observed.ts";
import { findPodFailure, findSidecar, lastLine } from "../pod-failure.ts";
import { recordNewReason } from "../report.ts";
import type { SecretProblem } from "../secret-rule.ts";
import { falseCondition, type Stop, stalled, trueCondition, waiting } from "../status.ts";

/** A Pod's termination message arrives in the cache shortly after its Job ends. After this time, it counts as lost. */
const RESULT_TIMEOUT_MS = 60_000;

/**
 * The image whose migration ran on this database, and which may therefore run on it. While the database's Secret is
 * missing, `database` is undefined, and the Sovereign counts as still using the database that it was migrated on.
 */
export function migratedImage({ status }: Sovereign, database: string | undefined): string | undefined {
  const { migration } = status ?? {};
  return database === undefined || migration?.database === database ? migration?.image : undefined;
}

export interface MigrationTarget {
  image: string;
  /** See `databaseIdentity`. */
  database: string;
  /** The problem that prevents the Job's Pod from starting. */
  problem: SecretProblem | undefined;
}

/** Runs the migration Job, once for each change of the image or the database. The Job reports the schema's version and fingerprint. */
export async function migrate(
  context: ReconcileContext,
  { image, database, problem }: MigrationTarget,
): Promise<Stop | undefined> {
  const { deps, sovereign, findings } = context;
  const desired = desiredMigrationJob(sovereign, image, database);
  if (migratedImage(sovereign, database) === image) {
    const { databaseVersion } = findings;
    const { schemaVersion } = sovereign.status ?? {};
    if (databaseVersion && schemaVersion && databaseVersion < schemaVersion)
      return repeatMigration(context, { databaseVersion, schemaVersion });
    // The release may have been reverted while the migration of another image ran.
    await deleteSuperseded(context, desired, migrationJobs(deps.caches, sovereign));
    if (!isConditionTrue(sovereign.status?.conditions, CONDITION.migrated)) {
      findings.conditions.push(
        trueCondition(CONDITION.migrated, "Migrated", "the migration of this image ran earlier"),
      );
    }
    return undefined;
  }
  const { job, stop } = await ensureJob(context, desired, problem);
  if (job === undefined) return stop;
  const pods = podsOfJob(deps.caches, job);
  const failure = jobCondition(job, "Failed");
  if (failure !== undefined) {
    const cause = lastMessage(pods) ?? failure.message ?? "no Pod left a message";
    const message = `Job ${job.metadata.name} failed: ${cause}; fix the cause, then delete the Job to run it again`;
    findings.conditions.push(falseCondition(CONDITION.migrated, "MigrationFailed", message));
    return stalled("MigrationFailed", message);
  }
  const result = jobCondition(job, "Complete") === undefined ? undefined : migrationResult(pods);
  if (result === undefined) return await awaitResult(context, job, pods);
  // A login from before this migration shows the earlier schema.
  if (sovereign.status?.verified !== undefined) deps.probes.forget(sovereign.metadata.name);
  findings.facts.migration = { image, database, job: job.metadata.name };
  findings.facts.schemaVersion = result.version;
  findings.facts.schemaFingerprint = result.fingerprint;
  findings.conditions.push(
    trueCondition(
      CONDITION.migrated,
      "Migrated",
      `Job ${job.metadata.name} migrated the database to schema ${result.version}, fingerprint ${result.fingerprint}`,
    ),
  );
  // The next reconcile first corrects the workload to the image in the status. If this process died after it changed the
  // workload, but before it wrote the status, the next process would return to the earlier image, and then to this one
  // again.
  if (sovereign.status?.migration !== undefined)
    await context.report({ ...findings, stop: waiting("RollingOut", "the database is migrated") });
  return undefined;
}

/**
 * The database was restored from a backup of before its last migration. The finished Jobs say nothing about it, so they are
 * deleted, and the next reconcile creates one again. No other migration of this version ran on the restored database.
 */
async function repeatMigration(
  context: ReconcileContext,
  { databaseVersion, schemaVersion }: { databaseVersion: string; schemaVersion: string },
): Promise<Stop> {
  const { deps, sovereign, findings } = context;
  const message = `the database is at schema ${databaseVersion}, and it was at ${schemaVersion}: it was restored from an older backup, so the operator migrates it again; run catalyst reconcile-ledger afterwards`;
  recordNewReason(context, CONDITION.migrated, { reason: "SchemaOutdated", message });
  const finished = migrationJobs(deps.caches, sovereign).filter(isFinishedJob);
  for (const { metadata } of finished) await deps.client.delete(JOBS, metadata, { uid: metadata.uid });
  findings.isMigrationVoid = true;
  findings.conditions.push(falseCondition(CONDITION.migrated, "SchemaOutdated", message));
  return waiting("SchemaOutdated", message, SOON_MS);
}

/** The last line of the last message, which usually names the failure. */
const lastMessage = (pods: readonly PodObject[]): string | undefined => {
  const line = lastLine(migrationMessages(pods).at(-1) ?? "");
  return line === "" ? undefined : line;
};

/** The Job, or why it is not created yet. */
type Ensured = { job: JobObject; stop?: never } | { job?: never; stop: Stop };

/**
 * Creates the Job instead of applying it: when two operators create it, the API server refuses one of them. An unfinished
 * Job of another image or database is deleted first, with its Pods, so that no two migrations work on one database. The
 * Jobs are listed from the API server, because a cache may not have the Job that this process created a moment ago. The
 * list is skipped before the first Job in a namespace that this process created.
 */
async function ensureJob(
  context: ReconcileContext,
  desired: KubernetesObject,
  problem: SecretProblem | undefined,
): Promise<Ensured> {
  const { deps, sovereign } = context;
  const cached = migrationJobs(deps.caches, sovereign);
  const known = cached.find(({ metadata }) => metadata.name === desired.metadata.name);
  if (known !== undefined) {
    await deleteSuperseded(context, desired, cached);
    return { job: known };
  }
  const { namespace = "" } = desired.metadata;
  if (deps.applier.hasNone("Job", namespace)) return createJob(context, desired, problem);
  const scope = scopeOf(desired);
  const { items: jobs } = await deps.client.list<JobObject>(JOBS, scope);
  const superseded = await deleteSuperseded(context, desired, jobs);
  const live = jobs.find(({ metadata }) => metadata.name === desired.metadata.name);
  if (live !== undefined) return { job: live };
  const { items: pods } = await deps.client.list<PodObject>(PODS, scope);
  const [running] = [...superseded, ...pods.filter((pod) => !isFinishedPod(pod))];
  if (running === undefined) return createJob(context, desired, problem);
  const { name } = running.metadata;
  const message = `${running.kind} ${name} migrates to another image or database: the operator deletes it and waits until it is gone${whatHolds(running)}`;
  context.findings.conditions.push(falseCondition(CONDITION.migrated, "MigrationSuperseded", message));
  return { stop: waiting("MigrationSuperseded", message) };
}

/** Why a deleted object may stay. A Pod also stays while its node does not answer. */
function whatHolds({ kind, metadata }: KubernetesObject): string {
  const { deletionTimestamp, finalizers = [], namespace, name } = metadata;
  if (deletionTimestamp === undefined) return "";
  const finalizing = finalizers.length === 0 ? "" : `; its finalizers are ${finalizers.join(", ")}`;
  return `. It is being deleted since ${deletionTimestamp}${finalizing}: kubectl -n ${namespace} describe ${kind.toLowerCase()} ${name} shows what holds it`;
}

/** Creates the Job once all Secrets of its Pod are valid. */
async function createJob(
  { deps, findings }: ReconcileContext,
  desired: KubernetesObject,
  problem: SecretProblem | undefined,
): Promise<Ensured> {
  if (problem === undefined) return { job: (await deps.applier.create(desired)) as JobObject };
  const { reason, message } = problem;
  findings.conditions.push(falseCondition(CONDITION.migrated, reason, message));
  return { stop: waiting(reason, message, secretRetryMs(deps)) };
}

const scopeOf = ({ metadata: { namespace = "", labels = {} } }: KubernetesObject) => ({
  namespace,
  labelSelector: labelSelectorOf(labels),
});

/**
 * Deletes the unfinished `jobs` except `desired`, and returns them. The Job whose result the status has is finished, also
 * when a late cache does not show this yet.
 */
async function deleteSuperseded(
  { deps, sovereign }: ReconcileContext,
  desired: KubernetesObject,
  jobs: readonly JobObject[],
): Promise<JobObject[]> {
  const kept = [desired.metadata.name, sovereign.status?.migration?.job];
  const superseded = jobs.filter((job) => !kept.includes(job.metadata.name) && !isFinishedJob(job));
  for (const { metadata } of superseded) {
    if (metadata.deletionTimestamp !== undefined) continue;
    await deps.client.delete(JOBS, metadata, { uid: metadata.uid });
    const message = `Job ${metadata.name} is deleted: it migrates to another image or database than the Sovereign runs`;
    deps.events.record(sovereign, "Normal", "MigrationSuperseded", message);
  }
  return superseded;
}

/** Waits for the Job's end and its result. When the result is lost, the Job runs again. */
async function awaitResult(
  context: ReconcileContext,
  job: JobObject,
  pods: readonly PodObject[],
): Promise<Stop> {
  const { deps, findings } = context;
  const { metadata } = job;
  const { name, uid } = metadata;
  const stop = (reason: string, message: string, retryAfterMs?: number) => {
    findings.conditions.push(falseCondition(CONDITION.migrated, reason, message));
    return waiting(reason, message, retryAfterMs);
  };
  if (jobCondition(job, "Complete") !== undefined) {
    const message = `Job ${name} is complete, and its result is not there yet: the operator reads it when it comes, or runs the Job again`;
    const leftMs = resultLeftMs(job, deps.now());
    if (leftMs >= 0) return stop("Migrating", message, Math.max(leftMs, SOON_MS));
    if (!(await hasLiveResult(context, job)))
      await deps.client.delete(JOBS, job.metadata, uid === undefined ? {} : { uid });
    return stop("Migrating", message, SOON_MS);
  }
  const failure = findPodFailure(pods) ?? findSidecar(pods);
  if (failure !== undefined) {
    recordNewReason(context, CONDITION.migrated, failure);
    return stop(failure.reason, `Job ${name} has not finished yet: ${failure.message}`);
  }
  const ageMs = deps.now().getTime() - Date.parse(metadata.creationTimestamp ?? "");
  // A deleted Job that a finalizer holds gets no other Pod. The next reconcile after its end creates it again.
  const unfinished = `Job ${name} has not finished yet${whatHolds(job)}`;
  if (pods.length > 0 || metadata.deletionTimestamp !== undefined) return stop("Migrating", unfinished);
  if (!(ageMs > NO_POD_AFTER_MS)) return stop("Migrating", unfinished, NO_POD_AFTER_MS);
  const refusal = await findJobRefusal(deps.client, job);
  if (refusal === undefined)
    return stop(
      "Migrating",
      `${unfinished}: it has no Pod; kubectl -n ${metadata.namespace} describe job ${name} says whether a quota or a policy refuses it`,
      REFUSAL_RETRY_MS,
    );
  recordNewReason(context, CONDITION.migrated, refusal);
  return stop(refusal.reason, `${unfinished}: ${refusal.message}`);
}

/** A Job controller creates a Pod within seconds, unless the API server refuses it. */
const NO_POD_AFTER_MS = 10_000;
/** The operator does not watch Events, so it looks again for the one that explains a Job without a Pod. */
const REFUSAL_RETRY_MS = 20_000;

/** How long to wait for the result. A wrong clock never makes the wait longer than the full time. */
function resultLeftMs({ status }: JobObject, now: Date): number {
  if (status?.completionTime === undefined) return RESULT_TIMEOUT_MS;
  return Math.min(Date.parse(status.completionTime) + RESULT_TIMEOUT_MS - now.getTime(), RESULT_TIMEOUT_MS);
}

/**
 * Whether the API server has a result that the cache lacks: the clock may have jumped, or the watch of Pods may be late. If
 * not, the Job's Pod was deleted. The Job then runs again, and finds the database already migrated.
 */
async function hasLiveResult({ deps }: ReconcileContext, { metadata }: JobObject): Promise<boolean> {
  const { namespace = "", uid } = metadata;
  const labelSelector = labelSelectorOf(selectorLabels("billing-migrate"));
  const { items } = await deps.client.list<PodObject>(PODS, { namespace, labelSelector });
  return migrationResult(items.filter((pod) => isPodOf(pod, uid))) !== undefined;
}
