import { isConditionTrue } from "../../../api/condition.ts";
import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { labelSelectorOf } from "../../../kube/client.ts";
import { JOBS, PODS } from "../../../kube/resource.ts";
import { isPodOf, migrationJobs, podsOfJob } from "../cache.ts";
import { type ReconcileContext, SOON_MS, secretRetryMs } from "../context.ts";
import { selectorLabels } from "../desired-metadata.ts";
import { desiredMigrationJob } from "../desired-migration.ts";
import {
  isFinishedJob,
  isFinishedPod,
  type JobObject,
  jobCondition,
  migrationMessages,
  migrationResult,
  type PodObject,
} from "../observed.ts";
import { findPodFailure, lastLine } from "../pod-failure.ts";
import { recordNews } from "../report.ts";
import type { SecretProblem } from "../secret-rule.ts";
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

export interface MigrationTarget {
  image: string;
  /** See `databaseIdentity`. */
  database: string;
  /** What keeps the Job's Pod from starting. */
  problem: SecretProblem | undefined;
}

/** Runs the migration Job, once for each image and database. The Job reports the schema's version and fingerprint. */
export async function migrate(
  context: ReconcileContext,
  { image, database, problem }: MigrationTarget,
): Promise<Stop | undefined> {
  const { deps, sovereign, findings } = context;
  const desired = desiredMigrationJob(sovereign, image, database);
  if (migratedImage(sovereign, database) === image) {
    // The release was reverted while another image migrated.
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
  // The workload of the image in the status is put back first. A process that dies after it changed the workload, and before
  // it wrote the status, would be followed by one that brings the earlier image back, and then this one again.
  if (sovereign.status?.migration !== undefined)
    await context.report({ ...findings, stop: waiting("RollingOut", "the database is migrated") });
  return undefined;
}

/** Of several lines, the last one says what failed. */
const lastMessage = (pods: readonly PodObject[]): string | undefined => {
  const line = lastLine(migrationMessages(pods).at(-1) ?? "");
  return line === "" ? undefined : line;
};

/** The Job, or why it is not created yet. */
type Ensured = { job: JobObject; stop?: never } | { job?: never; stop: Stop };

/**
 * Creates the Job and never applies it: when two operators create it, the API server refuses one of them. An unfinished Job of
 * another image or database goes first, with its Pods, so that no two migrations work on one database. The API server is
 * asked, because a cache may be behind the Job that this process created a moment ago: not before the first Job in a namespace that
 * this process created too.
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
  const message = `${running.kind} ${name} migrates to another image or database: the operator deletes it and waits until it is gone`;
  context.findings.conditions.push(falseCondition(CONDITION.migrated, "MigrationSuperseded", message));
  return { stop: waiting("MigrationSuperseded", message, SOON_MS) };
}

/** The Job's Pod starts only with all of its Secrets. */
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

/** Deletes the unfinished ones of `jobs` except `desired`, and returns them. */
async function deleteSuperseded(
  { deps, sovereign }: ReconcileContext,
  desired: KubernetesObject,
  jobs: readonly JobObject[],
): Promise<JobObject[]> {
  const superseded = jobs.filter((job) => job.metadata.name !== desired.metadata.name && !isFinishedJob(job));
  for (const { metadata } of superseded) {
    if (metadata.deletionTimestamp !== undefined) continue;
    await deps.client.delete(JOBS, metadata, { uid: metadata.uid });
    const message = `Job ${metadata.name} is deleted: it migrates to another image or database than the Sovereign runs`;
    deps.events.record(sovereign, "Normal", "MigrationSuperseded", message);
  }
  return superseded;
}

/** Waits for the Job's end and its result. A result that is lost costs another run of the Job. */
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
  const failure = findPodFailure(pods);
  if (failure !== undefined) {
    recordNews(context, CONDITION.migrated, failure);
    return stop(failure.reason, `Job ${name} has not finished yet: ${failure.message}`);
  }
  const ageMs = deps.now().getTime() - Date.parse(metadata.creationTimestamp ?? "");
  if (pods.length === 0 && !(ageMs > NO_POD_AFTER_MS))
    return stop("Migrating", `Job ${name} has not finished yet`, NO_POD_AFTER_MS);
  const hint =
    pods.length === 0
      ? `: it has no Pod; kubectl -n ${job.metadata.namespace} describe job ${name} says whether a quota or a policy refuses it`
      : "";
  return stop("Migrating", `Job ${name} has not finished yet${hint}`);
}

/** A Job controller creates a Pod within seconds, unless the API server refuses it. */
const NO_POD_AFTER_MS = 10_000;

/** How long the result may still be on its way. A clock that is wrong makes it no longer than the whole time. */
function resultLeftMs({ status }: JobObject, now: Date): number {
  if (status?.completionTime === undefined) return RESULT_TIMEOUT_MS;
  return Math.min(Date.parse(status.completionTime) + RESULT_TIMEOUT_MS - now.getTime(), RESULT_TIMEOUT_MS);
}

/**
 * Whether the API server has the result that the cache lacks: the clock may have jumped, or the watch of Pods may be behind. Without
 * it, the Job's Pod is gone. The Job is then run again, and finds the database already migrated.
 */
async function hasLiveResult({ deps }: ReconcileContext, { metadata }: JobObject): Promise<boolean> {
  const { namespace = "", uid } = metadata;
  const labelSelector = labelSelectorOf(selectorLabels("billing-migrate"));
  const { items } = await deps.client.list<PodObject>(PODS, { namespace, labelSelector });
  return migrationResult(items.filter((pod) => isPodOf(pod, uid))) !== undefined;
}
