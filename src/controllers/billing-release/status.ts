import type { BillingRelease, BillingReleaseStatus, ReleaseReference } from "../../api/billing-release.ts";
import { RECONCILING, STALLED } from "../../api/condition.ts";
import { isFromHub } from "../../api/label.ts";
import {
  type Halt,
  type Holder,
  MAX_NAMED,
  type Phase,
  type RolloutStatus,
} from "../../api/rollout-status.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { readyConditions } from "../readiness.ts";
import { rolloutOf } from "./desired-completion.ts";
import { referencesFromHub } from "./desired-hub-reference.ts";
import { CHECKING_IMAGE, IMAGE_NOT_FOUND } from "./desired-image-check.ts";
import { recordOf } from "./desired-intervention.ts";
import type { MemberState } from "./desired-member.ts";
import { rolloutStart } from "./desired-return.ts";
import { decideStep, haltOf, referencesIn } from "./desired-rollout.ts";
import { RETURN_FAILED, type RolloutStep, WAITING_FOR_CLUSTER } from "./desired-step.ts";
import { countOf, failedOf, namesOf, sizeOf, type Tally } from "./desired-tally.ts";
import { isVerifiedOn } from "./desired-verdict.ts";
import { NOT_MEASURABLE } from "./status-transition.ts";

/** The kstatus condition of each phase. In phase Pending without Sovereigns, nothing is left to reconcile. */
const PROGRESS: Record<Phase, typeof STALLED | typeof RECONCILING | undefined> = {
  Pending: undefined,
  Canary: RECONCILING,
  Progressing: RECONCILING,
  Baking: RECONCILING,
  WaitingForApproval: STALLED,
  Paused: STALLED,
  Halted: STALLED,
  Aborted: STALLED,
  Complete: undefined,
  Degraded: STALLED,
};

/** The state of the release and the remedy, for phases in which the step has no message of its own. */
const PHASE_NOTE: Partial<Record<Phase, string>> = {
  Pending: "no Sovereign names this release in spec.billing.release",
  Canary: "the canaries take it first",
  Progressing: "the others follow in waves",
  Baking: "the last wave must stay verified for its bake",
};

/** The release's status, from the states of its Sovereigns. `zero` is Catalyst-Zero; `now` is RFC 3339. */
export function desiredStatus(
  release: BillingRelease,
  tally: Tally,
  zero: Sovereign | undefined,
  now: string,
): BillingReleaseStatus {
  const step = decideStep(release, tally, Date.parse(now));
  const { generation } = release.metadata;
  const size = tally.members.size;
  const leftOut = countOf(tally, "leftOut");
  const note = isCompleted(step) ? remainderNote(tally) : (PHASE_NOTE[step.phase] ?? step.wait?.message);
  const out = leftOut === 0 ? "" : `, ${leftOut} left out`;
  const obstacle = obstacleOf(release, tally, zero, step);
  const why = obstacle?.message ?? note;
  const readiness = {
    status: step.phase === "Complete" ? ("True" as const) : ("False" as const),
    reason: obstacle?.reason ?? step.phase,
    message: `${tally.verified} of ${size} Sovereigns are verified on version ${release.spec.version}${out}${why === undefined ? "" : `: ${why}`}`,
    progress: obstacle?.progress ?? PROGRESS[step.phase],
  };
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase: step.phase,
    sovereigns: size,
    updated: tally.updated,
    verified: tally.verified,
    drifted: tally.drifted,
    failed: tally.stalled,
    leftOut,
    ...(release.status?.imageCheck === undefined ? {} : { imageCheck: release.status.imageCheck }),
    rollout: rolloutStatus(release, tally, step, now),
    ...references(release, tally, zero, now),
    conditions: readyConditions(release.status?.conditions, readiness, generation, now),
  };
}

/** Whether the phase is one that only a complete rollout has. */
const isCompleted = ({ phase }: RolloutStep): boolean => phase === "Complete" || phase === "Degraded";

/** The work that is left after the rollout was complete; undefined when none is left. */
function remainderNote(tally: Tally): string | undefined {
  if (failedOf(tally) > 0) {
    const [failed = [...tally.needingPerson].sort()[0] ?? ""] = namesOf(tally, "failed", 1);
    const reason = tally.members.get(failed)?.reason ?? "";
    return `Sovereign ${failed} needs a person (${reason}): its condition Ready says what to do; the rollout is complete, so the others keep the image`;
  }
  const open = tally.members.size - countOf(tally, "verified") - countOf(tally, "leftOut");
  return open === 0 ? undefined : `the rollout is complete, and ${open} more take the image by themselves`;
}

/** The obstacle of the whole release, where its phase does not show it. */
function obstacleOf(
  release: BillingRelease,
  tally: Tally,
  zero: Sovereign | undefined,
  { wait }: RolloutStep,
): { reason: string; message: string; progress: typeof STALLED | typeof RECONCILING } | undefined {
  if (wait?.reason === IMAGE_NOT_FOUND || wait?.reason === RETURN_FAILED)
    return { ...wait, progress: STALLED };
  if (wait?.reason === CHECKING_IMAGE || wait?.reason === WAITING_FOR_CLUSTER)
    return { ...wait, progress: RECONCILING };
  const message =
    wait?.reason === "WaitingForReference" ? measurementObstacle(release, tally, zero) : undefined;
  return message === undefined ? undefined : { reason: NOT_MEASURABLE, message, progress: STALLED };
}

/** Why the release cannot be measured, and the remedy; undefined when Catalyst-Zero can measure it. */
function measurementObstacle(
  { metadata }: BillingRelease,
  tally: Tally,
  zero: Sovereign | undefined,
): string | undefined {
  if (zero === undefined)
    return `it is measured on Catalyst-Zero, and none is on it: set spec.billing.release of the Sovereign with role CatalystZero to ${metadata.name}`;
  const { name } = zero.metadata;
  if (zero.spec.suspend)
    return `it is measured on Catalyst-Zero, and Sovereign ${name} is suspended: set its spec.suspend to false`;
  const { state, reason, message } = tally.members.get(name) ?? {};
  if (state === "leftOut")
    return `it is measured on Catalyst-Zero, and the rollout leaves Sovereign ${name} out (${reason}): ${message}`;
  return undefined;
}

function rolloutStatus(release: BillingRelease, tally: Tally, step: RolloutStep, now: string): RolloutStatus {
  const { image } = release.spec;
  const { plan, stages } = tally;
  const stage = plan.stages[step.stage];
  const earlier = rolloutOf(release);
  const heldUpBy = [
    ...holdersIn(tally, [
      ["failed", "Failed"],
      ["moving", "Updating"],
      ["updating", "Updating"],
      ["stuck", "Waiting"],
      ["new", "Waiting"],
    ]),
    // Before the completion, these wait for their wave or for a person.
    ...(plan.isComplete ? holdersIn(tally, [["waiting", "Waiting"]]) : []),
    ...[...tally.awaited].sort().map((name) => holderOf(tally, name, "LeftOut")),
  ].slice(0, MAX_NAMED);
  const leftOut = holdersIn(tally, [["leftOut", "LeftOut"]]);
  const interventions = recordOf(plan.interventions, earlier?.interventions ?? [], now);
  const halt = haltStatus(release, tally, earlier?.halt, now);
  const reachedAt = earlier?.completedAt ?? (isCompleted(step) ? now : undefined);
  const completedAt = plan.isReturning ? undefined : reachedAt;
  const sinceGeneration = rolloutStart(release);
  return {
    image,
    ...(sinceGeneration === undefined ? {} : { sinceGeneration }),
    ...(completedAt === undefined ? {} : { completedAt }),
    ...(stage === undefined || step.phase === "Pending" ? {} : { stage: stage.name }),
    stages: plan.stages.map(({ name }, index) => {
      const counted = stages[index];
      const countIn = (...states: MemberState[]) =>
        states.reduce((sum, state) => sum + (counted?.names[state].length ?? 0), 0);
      return {
        name,
        sovereigns: counted === undefined ? 0 : sizeOf(counted),
        verified: countIn("verified"),
        updating: countIn("updating", "moving"),
        failed: countIn("failed"),
        waiting: countIn("waiting", "stuck", "new"),
        leftOut: countIn("leftOut"),
      };
    }),
    ...(heldUpBy.length === 0 ? {} : { heldUpBy }),
    ...(leftOut.length === 0 ? {} : { leftOut }),
    ...(interventions.length === 0 ? {} : { interventions }),
    ...(halt === undefined ? {} : { halt }),
  };
}

/** The first Sovereigns in these states, each with its own reason and message. */
function holdersIn(tally: Tally, states: [MemberState, Holder["state"]][]): Holder[] {
  return states
    .flatMap(([state, shown]) => namesOf(tally, state, MAX_NAMED).map((name) => holderOf(tally, name, shown)))
    .slice(0, MAX_NAMED);
}

function holderOf({ members }: Tally, name: string, state: Holder["state"]): Holder {
  const { reason = "", message = "" } = members.get(name) ?? {};
  return { name, state, reason, message: message.slice(0, 256) };
}

/** The halt keeps its number and its time while it lasts. The next halt of the same image has the next number. */
function haltStatus(
  release: BillingRelease,
  tally: Tally,
  known: Halt | undefined,
  now: string,
): Halt | undefined {
  const found = haltOf(release, tally);
  if (found === undefined) return undefined;
  const { resumedThrough } = tally.plan.interventions;
  const isSame = known !== undefined && known.number > resumedThrough;
  const returns = release.spec.rollout.backwardCompatible || (isSame && known.returns);
  if (isSame) return { ...known, reason: found.reason, message: found.message.slice(0, 1024), returns };
  return {
    number: Math.max(known?.number ?? 0, resumedThrough) + 1,
    reason: found.reason,
    message: found.message.slice(0, 1024),
    at: now,
    returns,
  };
}

/**
 * The reference of the present image once it is measured, and those of earlier images. An image is measured once: after a
 * return to it, Catalyst-Zero may have the newer schema, and others not. What Catalyst-Zero runs is measured also while it
 * is not the present image, because others may go back to it.
 */
function references(
  release: BillingRelease,
  tally: Tally,
  zero: Sovereign | undefined,
  now: string,
): Pick<BillingReleaseStatus, "reference" | "earlierReferences"> {
  if (isFromHub(release)) return referencesFromHub(release);
  const measured = measure(zero, now);
  const known = referencesIn(release);
  const isNew = measured !== undefined && known.every(({ image }) => image !== measured.image);
  const all = isNew ? [measured, ...known] : known;
  const reference = all.find(({ image }) => image === release.spec.image) ?? known[0] ?? measured;
  const earlier = newestOf(
    all.filter(({ image }) => image !== reference?.image),
    tally,
  );
  return {
    ...(reference === undefined ? {} : { reference }),
    ...(earlier.length === 0 ? {} : { earlierReferences: earlier }),
  };
}

const MAX_EARLIER = 16;

/** As many references as the status may have. Those of images that a Sovereign runs or may go back to stay longest. */
function newestOf(references: ReleaseReference[], { images }: Tally): ReleaseReference[] {
  const isUsed = ({ image }: ReleaseReference) => images.has(image);
  const unused = references.filter((each) => !isUsed(each));
  const kept = new Set([...references.filter(isUsed), ...unused].slice(0, MAX_EARLIER));
  return references.filter((each) => kept.has(each));
}

/** Measures the image that Catalyst-Zero runs, when its smoke test passed on this very image. */
function measure(zero: Sovereign | undefined, now: string): ReleaseReference | undefined {
  const { status } = zero ?? {};
  const image = status?.pinnedImage;
  if (zero === undefined || image === undefined || !isVerifiedOn(zero, image)) return undefined;
  if (status?.lastSmokeTest?.passed !== true) return undefined;
  const { schemaVersion, schemaFingerprint, apiFingerprint } = status;
  if (schemaVersion === undefined || schemaFingerprint === undefined || apiFingerprint === undefined)
    return undefined;
  return {
    image,
    schemaVersion,
    schemaFingerprint,
    apiFingerprint,
    measuredOn: zero.metadata.name,
    measuredAt: now,
  };
}
