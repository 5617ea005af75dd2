import { SOVEREIGN_FINALIZER } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN } from "../../api/sovereign.ts";
import { addFinalizer } from "../../kube/finalizer.ts";
import { resourceOf } from "../../kube/resource.ts";
import { reconcileRemote } from "../spoke/reconcile.ts";
import { ownedObjects } from "./cache.ts";
import type { ReconcileContext } from "./context.ts";
import { checkEligibility } from "./eligibility.ts";
import { throwRefusal } from "./findings.ts";
import { recordSharedAddress } from "./report.ts";
import type { SecretFacts } from "./secret-facts.ts";
import type { Stop } from "./status.ts";
import { compareWithReference } from "./step/comparison.ts";
import { applyConfiguration, type Configuration } from "./step/configuration.ts";
import { checkDatabase } from "./step/database.ts";
import { observeErrorRate, recordErrorsBefore } from "./step/error-rate.ts";
import { applyFoundation } from "./step/foundation.ts";
import { observeIssuer } from "./step/issuer.ts";
import { migrate, migratedImage } from "./step/migration.ts";
import { pinImage } from "./step/pin.ts";
import { checkRollout, observeRunning } from "./step/rollout.ts";
import { runSmokeTest } from "./step/smoke-test.ts";
import { applyWorkload, checkSecrets, type Workload } from "./step/workload.ts";

/**
 * Reconciles a Sovereign in two phases. The first corrects the objects that run already, before any step waits: a database
 * that is down, or a missing release or Franchise, must not keep an edited image running. The second moves the Sovereign
 * to its release. The steps are numbered in the order in which a new Sovereign takes them; `status.ts` adds the last one,
 * 10, `Ready`. Each step is idempotent. The first step that cannot continue returns the reason.
 */
export async function reconcileSovereign(context: ReconcileContext): Promise<Stop | undefined> {
  if (context.sovereign.spec.cluster !== undefined) return reconcileRemote(context);
  const ineligible = await checkEligibility(context);
  if (ineligible !== undefined) {
    // A suspended Sovereign keeps its last findings: the operator could observe it, but leaves it alone.
    context.findings.isUnobserved = ineligible.reason !== "Suspended";
    return ineligible;
  }
  recordSharedAddress(context);
  const running = await putBack(context);
  throwRefusal(context.findings);
  return moveForward(context, running);
}

/** The objects that the first phase applied. */
interface Running {
  foundation: KubernetesObject[];
  configuration: Configuration;
  /** Undefined before the first migration: the phase then needs no Secret. */
  secrets: SecretFacts | undefined;
  /** Undefined until an image was migrated on the present database. */
  workload: Workload | undefined;
}

async function putBack(context: ReconcileContext): Promise<Running> {
  const { deps, sovereign } = context;
  // Keeps a deleted Sovereign in the API until its workload is deleted.
  await addFinalizer(deps.client, resourceOf(SOVEREIGN), sovereign, SOVEREIGN_FINALIZER);
  const foundation = await applyFoundation(context); // 1. namespace and service accounts
  const configuration = await applyConfiguration(context); // 2. configuration
  await observeIssuer(context, configuration.authority);
  // A Sovereign that waits for its first image costs no reads of Secrets.
  if (sovereign.status?.migration === undefined)
    return { foundation, configuration, secrets: undefined, workload: undefined };
  const secrets = await deps.secrets.read(sovereign);
  const image = migratedImage(sovereign, secrets.database);
  // Step 6, early: the workload of the image that runs already.
  const workload = image === undefined ? undefined : await applyWorkload(context, image, secrets);
  if (workload !== undefined) {
    observeRunning(context, workload);
    await observeErrorRate(context, workload.image);
  }
  return { foundation, configuration, secrets, workload };
}

async function moveForward(context: ReconcileContext, running: Running): Promise<Stop | undefined> {
  const { deps, sovereign } = context;
  const { foundation, configuration } = running;
  const { image, stop: unpinned } = pinImage(context); // 3. pin the release's image
  const blocked = configuration.stop ?? unpinned;
  if (blocked !== undefined || image === undefined) return blocked;

  const secrets = running.secrets ?? (await deps.secrets.read(sovereign));
  const unreachable = await checkDatabase(context, secrets, running.workload?.deployment); // 4. database
  const { database } = secrets;
  if (unreachable !== undefined || database === undefined) return unreachable;
  // Runs before the migration, because the next reconcile after it replaces the Pods of the old image.
  const uncounted = await recordErrorsBefore(context, image, running.workload?.image);
  if (uncounted !== undefined) return uncounted;
  const unmigrated = await migrate(context, { image, database, problem: secrets.migrationProblem }); // 5. migration Job
  if (unmigrated !== undefined) return unmigrated;

  const kept = running.workload?.image === image ? running.workload : undefined;
  const problem = secrets.problem ?? configuration.authority.problem;
  const incomplete = checkSecrets(context, problem, kept !== undefined);
  if (incomplete !== undefined) return incomplete;
  const workload = kept ?? (await applyWorkload(context, image, secrets)); // 6. workload
  throwRefusal(context.findings);
  const managed = [configuration.object, ...workload.objects];
  await deps.applier.prune([...foundation, ...managed], ownedObjects(deps.caches, sovereign));

  const unfinished = checkRollout(context, workload.deployment); // 7. rollout
  if (unfinished !== undefined) return unfinished;
  const { evidence, stop: unproven } = await runSmokeTest(context, image, managed); // 8. smoke test
  if (evidence === undefined) return unproven;
  return compareWithReference(context, image, evidence); // 9. comparison with the reference
}
