import { canonicalJson, sha256Digest } from "../../../platform/canonical-json.ts";
import { desiredConfiguration } from "../desired-configuration.ts";
import { desiredNamespace, desiredServiceAccounts } from "../desired-metadata.ts";
import { desiredWorkload } from "../desired-workload.ts";
import type { Stop } from "../status.ts";
import { findAgreement } from "./agreement.ts";
import { checkDatabase } from "./database.ts";
import { announceDrift, applyManaged } from "./drift.ts";
import { migrate } from "./migration.ts";
import { pinImage } from "./pin.ts";
import { checkReach } from "./reach.ts";
import { rollOut } from "./rollout.ts";
import type { Step } from "./step.ts";
import { verify } from "./verification.ts";

/** The steps of contract §3 in their order, each idempotent; the first that cannot go on says why. */
export async function reconcileSteps(step: Step): Promise<Stop | undefined> {
  const { deps, sovereign } = step;
  const away = checkReach(step);
  if (away !== undefined) return away;
  for (const object of [desiredNamespace(sovereign), ...desiredServiceAccounts(sovereign)])
    await applyManaged(step, object);

  const agreement = findAgreement(step);
  if (agreement.kind !== "agreement") return agreement;
  const pinned = pinImage(step);
  if (pinned.kind !== "pinned") return pinned;

  const { image } = pinned;
  const { franchise, isInTerm } = agreement;
  const { operatorJwks } = deps;
  const configuration = desiredConfiguration({ sovereign, franchise, isInTerm, operatorJwks });
  const workload = desiredWorkload(sovereign, image);
  await announceDrift(step, [configuration, ...workload]);
  await applyManaged(step, configuration);

  return (
    (await checkDatabase(step)) ??
    (await migrate(step, image)) ??
    (await rollOut(step, workload)) ??
    (await verify(step, image, sha256Digest(canonicalJson([workload, configuration]))))
  );
}
