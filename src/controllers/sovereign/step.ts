import { findCondition, isConditionTrue } from "../../api/condition.ts";
import { LABEL } from "../../api/label.ts";
import { BILLING, migrationJobName } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../api/sovereign.ts";
import { SECRETS } from "../../kube/resource.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { turnOf } from "../billing-release/desired-target.ts";
import { liveObject, podsOf } from "./cache.ts";
import type { SovereignDeps } from "./dependency.ts";
import { desiredConfiguration } from "./desired-configuration.ts";
import { describeDrift, driftOf, stamped, touchesImage } from "./desired-drift.ts";
import { desiredNamespace, desiredServiceAccounts, namespaceOf } from "./desired-metadata.ts";
import { desiredMigrationJob } from "./desired-migration.ts";
import { desiredWorkload, urlOf } from "./desired-workload.ts";
import {
  containerWords,
  type DeploymentObject,
  type JobObject,
  jobCondition,
  migrationResult,
  rolloutFailure,
  rolloutPending,
} from "./observed.ts";
import { type Findings, fails, holds, type Stop } from "./status.ts";
import { type Evidence, gatherEvidence, isFresh, shapeDifference } from "./verification.ts";

const SOON_MS = 1_000;
const LATER_MS = 15_000;

export interface StepDeps extends SovereignDeps {
  /** Writes the status in between, where an observer must not miss it. */
  report(findings: Findings): Promise<void>;
}

const waiting = (reason: string, message: string, retryAfterMs = LATER_MS): Stop => ({
  kind: "waiting",
  reason,
  message,
  retryAfterMs,
});
const stalled = (reason: string, message: string): Stop => ({ kind: "stalled", reason, message });

/** The steps of contract §3 in their order, each idempotent; the first that cannot go on says why. */
export async function reconcileSteps(
  deps: StepDeps,
  sovereign: Sovereign,
  findings: Findings,
  signal: AbortSignal,
): Promise<Stop | undefined> {
  const namespace = namespaceOf(sovereign);
  const away = beyondReach(sovereign) ?? foreignNamespace(deps, sovereign, namespace);
  if (away !== undefined) return away;
  for (const object of [desiredNamespace(sovereign), ...desiredServiceAccounts(sovereign)])
    await applyOne(deps, object);

  const franchise = franchiseOf(deps, sovereign);
  if ("kind" in franchise && franchise.kind !== "Franchise") return franchise as Stop;
  const pinned = pin(deps, sovereign, findings);
  if (typeof pinned !== "string") return pinned;

  const configuration = desiredConfiguration({
    sovereign,
    franchise: franchise.agreement,
    isInTerm: franchise.isInTerm,
    operatorJwks: deps.operatorJwks,
  });
  const workload = desiredWorkload(sovereign, pinned).map(stamped);
  await correctDrift(deps, sovereign, [stamped(configuration), ...workload], findings);
  await applyOne(deps, stamped(configuration));

  return (
    (await checkDatabase(deps, sovereign, namespace, findings)) ??
    (await migrate(deps, sovereign, pinned, findings)) ??
    (await rollOut(deps, workload, findings)) ??
    (await verify(deps, sovereign, { namespace, image: pinned, workload, configuration }, findings, signal))
  );
}

function beyondReach({ spec }: Sovereign): Stop | undefined {
  if (spec.suspend)
    return {
      kind: "unknown",
      reason: "Suspended",
      message: "spec.suspend is true: nothing is changed until it is false",
    };
  if (spec.cluster !== undefined) {
    return {
      kind: "unknown",
      reason: "RemoteCluster",
      message: "spec.cluster names another cluster: this operator reconciles its own cluster only",
    };
  }
  return undefined;
}

/** A namespace that somebody else made is not taken over: what lies in it may be theirs. */
function foreignNamespace({ caches }: StepDeps, sovereign: Sovereign, namespace: string): Stop | undefined {
  const live = caches.namespaces.get(namespace);
  const owner = live?.metadata.labels?.[LABEL.sovereign];
  const { name } = sovereign.metadata;
  if (live === undefined || owner === name) return undefined;
  return stalled(
    "NamespaceNotOurs",
    `namespace ${namespace} ${owner === undefined ? "exists already" : `belongs to Sovereign ${owner}`}: choose another spec.namespace, or label it ${LABEL.sovereign}=${name}`,
  );
}

type Agreement = {
  kind: "Franchise";
  agreement: ReturnType<StepDeps["caches"]["franchises"]["get"]>;
  isInTerm: boolean;
};

function franchiseOf(
  { caches, now }: StepDeps,
  { spec }: Sovereign,
): Agreement | (Stop & { agreement?: never; isInTerm?: never }) {
  if (spec.franchise === undefined) return { kind: "Franchise", agreement: undefined, isInTerm: true };
  const agreement = caches.franchises.get(spec.franchise);
  if (agreement === undefined)
    return waiting("FranchiseMissing", `Franchise ${spec.franchise} does not exist: apply it`);
  const { start, end } = agreement.spec.term;
  const at = now().getTime();
  return {
    kind: "Franchise",
    agreement,
    isInTerm: Date.parse(start) <= at && (end === undefined || at < Date.parse(end)),
  };
}

/** The digest to run: the release's, once it is this Sovereign's turn. */
function pin({ caches, now }: StepDeps, sovereign: Sovereign, findings: Findings): string | Stop {
  const name = sovereign.spec.billing.release;
  const release = caches.releases.get(name);
  if (release === undefined) {
    const message = `BillingRelease ${name} does not exist: apply it`;
    findings.conditions.push(fails(CONDITION.imagePinned, "ReleaseMissing", message));
    return waiting("ReleaseMissing", message);
  }
  const turn = turnOf(sovereign, release, caches.sovereigns.list(), now().getTime());
  if (turn.kind === "later") {
    const current = sovereign.status?.pinnedImage;
    // On its old digest it goes on being looked after; without one there is nothing to run yet.
    if (current !== undefined) return current;
    findings.conditions.push(fails(CONDITION.imagePinned, turn.reason, turn.message));
    return waiting(turn.reason, turn.message, turn.retryAfterMs);
  }
  const { image } = release.spec;
  findings.facts.pinnedImage = image;
  findings.conditions.push(holds(CONDITION.imagePinned, "Pinned", image));
  return image;
}

async function applyOne(deps: StepDeps, desired: KubernetesObject): Promise<KubernetesObject> {
  return (await deps.applier.apply(desired, liveObject(deps.caches, desired))).object;
}

/** Says what somebody changed, where everybody can see it, before it is put back. */
async function correctDrift(
  deps: StepDeps,
  sovereign: Sovereign,
  managed: KubernetesObject[],
  findings: Findings,
): Promise<void> {
  const drifts = managed.flatMap(
    (desired) => driftOf(desired, deps.applier.newest(desired, liveObject(deps.caches, desired))) ?? [],
  );
  if (drifts.length === 0) return;
  const message = describeDrift(drifts);
  const pinned = findings.conditions.find(({ type }) => type === CONDITION.imagePinned);
  await deps.report({
    ...findings,
    conditions: [
      fails(CONDITION.inSync, "DriftCorrected", message),
      ...(touchesImage(drifts)
        ? [fails(CONDITION.imagePinned, "ImageDrifted", message)]
        : pinned
          ? [pinned]
          : []),
    ],
    stop: waiting("DriftCorrected", message, SOON_MS),
  });
  findings.conditions.push(fails(CONDITION.inSync, "DriftCorrected", message));
  deps.events.record(sovereign, "Warning", "DriftCorrected", message);
  for (const drift of drifts) deps.onDrift(sovereign.metadata.name, drift);
}

async function checkDatabase(
  { client }: StepDeps,
  sovereign: Sovereign,
  namespace: string,
  findings: Findings,
): Promise<Stop | undefined> {
  const { name, key } = sovereign.spec.billing.database.secretRef;
  const secret = await client.get<KubernetesObject & { data?: Record<string, string> }>(SECRETS, {
    name,
    namespace,
  });
  const problem =
    secret === undefined
      ? {
          reason: "SecretMissing",
          message: `Secret ${namespace}/${name} does not exist: create it with the Postgres URL under ${key}`,
        }
      : !secret.data?.[key]
        ? {
            reason: "KeyMissing",
            message: `Secret ${namespace}/${name} has no key ${key}: put the Postgres URL there`,
          }
        : undefined;
  if (problem !== undefined) {
    findings.conditions.push(fails(CONDITION.databaseReady, problem.reason, problem.message));
    return waiting(problem.reason, problem.message, SOON_MS);
  }
  findings.conditions.push(
    holds(CONDITION.databaseReady, "SecretFound", `Secret ${namespace}/${name} has the URL under ${key}`),
  );
  return undefined;
}

async function migrate(
  deps: StepDeps,
  sovereign: Sovereign,
  image: string,
  findings: Findings,
): Promise<Stop | undefined> {
  const { status } = sovereign;
  const isDone = status?.pinnedImage === image && isConditionTrue(status.conditions, CONDITION.migrated);
  const isSame = findCondition(status?.conditions, CONDITION.migrated)?.message.includes(
    migrationJobName(image),
  );
  if (isDone && isSame) return undefined;

  const desired = desiredMigrationJob(sovereign, image);
  const live = liveObject(deps.caches, desired) ?? (await applyOne(deps, desired));
  const { name, namespace = "" } = desired.metadata;
  const pods = podsOf(deps.caches, namespace, "billing-migrate");
  const failure = jobCondition(live as JobObject, "Failed");
  if (failure !== undefined) {
    const words = containerWords(pods).at(-1) ?? failure.message ?? "";
    const message = `Job ${name} failed: ${words}; mend the cause, then delete the Job to try again`;
    findings.conditions.push(fails(CONDITION.migrated, "MigrationFailed", message));
    return stalled("MigrationFailed", message);
  }
  const result =
    jobCondition(live as JobObject, "Complete") === undefined ? undefined : migrationResult(pods);
  if (result === undefined) {
    const words = containerWords(pods).at(-1);
    const message = `Job ${name} has not finished${words === undefined ? "" : `: ${words}`}`;
    findings.conditions.push(fails(CONDITION.migrated, "Migrating", message));
    return waiting("Migrating", message, LATER_MS);
  }
  findings.facts.schemaVersion = result.version;
  findings.facts.schemaFingerprint = result.fingerprint;
  findings.conditions.push(
    holds(CONDITION.migrated, "Migrated", `Job ${name}: schema ${result.version}, ${result.fingerprint}`),
  );
  return undefined;
}

async function rollOut(
  deps: StepDeps,
  workload: KubernetesObject[],
  findings: Findings,
): Promise<Stop | undefined> {
  let deployment: DeploymentObject | undefined;
  for (const object of workload) {
    const live = await applyOne(deps, object);
    if (object.kind === "Deployment") deployment = live as DeploymentObject;
  }
  if (deployment === undefined) throw new Error("the workload has no Deployment");
  const failure = rolloutFailure(deployment);
  if (failure !== undefined) {
    findings.conditions.push(fails(CONDITION.rolledOut, "ProgressDeadlineExceeded", failure));
    return stalled("ProgressDeadlineExceeded", failure);
  }
  const pending = rolloutPending(deployment);
  if (pending !== undefined) {
    findings.conditions.push(fails(CONDITION.rolledOut, "RollingOut", pending));
    return waiting("RollingOut", pending);
  }
  findings.conditions.push(
    holds(CONDITION.rolledOut, "RolledOut", `${deployment.spec?.replicas} replicas run the pinned image`),
  );
  return undefined;
}

interface VerificationInput {
  namespace: string;
  image: string;
  workload: KubernetesObject[];
  configuration: KubernetesObject;
}

/** The four-step smoke test, and the measured shape against the reference. */
async function verify(
  deps: StepDeps,
  sovereign: Sovereign,
  input: VerificationInput,
  findings: Findings,
  signal: AbortSignal,
): Promise<Stop | undefined> {
  const { caches, now } = deps;
  const { status, spec } = sovereign;
  const evidenceKey = sha256Digest(canonicalJson([input.workload, input.configuration]));
  const isInSync =
    isConditionTrue(status?.conditions, CONDITION.inSync) &&
    !findings.conditions.some(({ type }) => type === CONDITION.inSync);
  findings.facts.url = urlOf(sovereign, input.namespace);

  let evidence: Evidence = status ?? {};
  if (!isFresh(sovereign, evidenceKey, isInSync, now().getTime())) {
    const token = await deps.mintToken(spec.fqdn);
    const pods = podsOf(caches, input.namespace, "billing").filter(
      (pod) => pod.spec?.containers[0]?.image === input.image,
    );
    const gathered = await gatherEvidence({
      pods,
      port: BILLING.port,
      token,
      smoke: deps.smoke,
      evidence: evidenceKey,
      now,
      signal,
    });
    Object.assign(findings.facts, gathered.evidence);
    evidence = gathered.evidence;
    if (gathered.problem !== undefined) {
      findings.conditions.push(fails(CONDITION.voucherShapeVerified, "SmokeTestFailed", gathered.problem));
      deps.events.record(sovereign, "Warning", "SmokeTestFailed", gathered.problem);
      return waiting("SmokeTestFailed", gathered.problem, SOON_MS * 5);
    }
  }
  return judgeShape(deps, sovereign, input.image, evidence, findings);
}

function judgeShape(
  { caches, events }: StepDeps,
  sovereign: Sovereign,
  image: string,
  evidence: Evidence,
  findings: Findings,
): Stop | undefined {
  const reference = caches.releases.get(sovereign.spec.billing.release)?.status?.reference;
  const isMeasured = sovereign.spec.role === "CatalystZero";
  if (reference?.image !== image) {
    if (isMeasured) {
      findings.conditions.push(
        holds(
          CONDITION.voucherShapeVerified,
          "Measured",
          "the four steps hold; what is measured here is the reference",
        ),
        holds(CONDITION.inSync, "InSync", "everything is as the manifests say"),
      );
      return undefined;
    }
    const message = "the release's reference is not measured yet: that happens on Catalyst-Zero";
    findings.conditions.push(fails(CONDITION.voucherShapeVerified, "WaitingForReference", message));
    return waiting("WaitingForReference", message);
  }
  const difference = shapeDifference(evidence, reference);
  if (difference !== undefined) {
    findings.conditions.push(
      fails(CONDITION.voucherShapeVerified, "ShapeDiffers", difference),
      fails(CONDITION.inSync, "ShapeDiffers", difference),
    );
    events.record(sovereign, "Warning", "ShapeDiffers", difference);
    return stalled("ShapeDiffers", difference);
  }
  findings.conditions.push(
    holds(
      CONDITION.voucherShapeVerified,
      "Verified",
      `the four steps hold, and both fingerprints equal those of ${reference.measuredOn}`,
    ),
    holds(CONDITION.inSync, "InSync", "everything is as the manifests say"),
  );
  return undefined;
}
