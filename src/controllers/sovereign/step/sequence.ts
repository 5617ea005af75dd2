import { ownedObjects } from "../cache.ts";
import { desiredConfiguration } from "../desired-configuration.ts";
import { desiredNamespace, desiredServiceAccounts } from "../desired-metadata.ts";
import { databaseIdentity } from "../secret.ts";
import type { Stop } from "../status.ts";
import { addFinalizer } from "../tear-down.ts";
import { checkDatabase } from "./database.ts";
import { applyManaged } from "./drift.ts";
import { checkReach } from "./eligibility.ts";
import { findAgreement } from "./franchise.ts";
import { migrate, migratedImage } from "./migration.ts";
import { pinImage } from "./pin.ts";
import { judgeRollout, keepWorkload } from "./rollout.ts";
import { findMissingSecret, readSecrets } from "./secret.ts";
import type { Step } from "./step.ts";
import { verify } from "./verification.ts";

/**
 * The steps in the order of docs/architecture.md, each idempotent; the first that cannot go on says why. What runs already is
 * put back as it should be before anything is waited for: a database that is away, a release or a Franchise that is
 * missing must not keep a strange image running.
 */
export async function reconcileSteps(step: Step): Promise<Stop | undefined> {
  const { deps, sovereign } = step;
  const away = await checkReach(step);
  if (away !== undefined) return away;
  await addFinalizer(deps, sovereign);
  const foundation = [desiredNamespace(sovereign), ...desiredServiceAccounts(sovereign)];
  for (const object of foundation) await applyManaged(step, object);

  const { franchise, isInTerm, stop: unagreed } = findAgreement(step);
  const { image, stop: unpinned } = pinImage(step);
  const missing = unagreed ?? unpinned;
  if (image === undefined) return missing;
  const { operatorJwks } = deps;
  const configuration = desiredConfiguration({ sovereign, franchise, isInTerm, operatorJwks });
  await applyManaged(step, configuration);

  const secrets = await readSecrets(step);
  const database = databaseIdentity(sovereign, secrets);
  const running = migratedImage(sovereign, database);
  let workload = running === undefined ? undefined : await keepWorkload(step, running, secrets);
  const stop = missing ?? (await checkDatabase(step, secrets, workload?.deployment));
  if (stop !== undefined || database === undefined) return stop;
  const unready = (await migrate(step, image, database)) ?? findMissingSecret(step, secrets);
  if (unready !== undefined) return unready;
  if (workload === undefined || running !== image) workload = await keepWorkload(step, image, secrets);

  await deps.applier.prune(
    [...foundation, configuration, ...workload.objects],
    ownedObjects(deps.caches, sovereign),
  );
  return (
    judgeRollout(step, workload.deployment) ??
    (await verify(step, image, [...workload.objects, configuration]))
  );
}
