import type { BillingRelease } from "../../api/billing-release.ts";
import { approvalWait, isBlocked, type RolloutStep, WAVE } from "./desired-step.ts";
import { countOf, failedOf, mostOf, stuckNext, type Tally } from "./desired-tally.ts";

/**
 * Whether every Sovereign is verified, is left out, or needs a person, and none failed on the image. False while a Sovereign
 * lacks the image and its cluster is unreachable: an outage would otherwise end the rollout, with its bakes and halts.
 */
export const isFinished = (tally: Tally): boolean =>
  isFinishedWhereReachable(tally) && tally.awaited.size === 0;

/** The same, without regard to unreachable clusters. */
export const isFinishedWhereReachable = (tally: Tally): boolean =>
  countOf(tally, "verified") + countOf(tally, "leftOut") + tally.needingPerson.size === tally.members.size;

/**
 * Decides the step after the rollout was complete. Sovereigns that were added, continued or repaired take the image in each
 * stage's waves and with its approval. A Sovereign that fails on it keeps its place in the wave, so at most
 * `maxUnavailable` of a stage fail.
 */
export function decideFollowers(release: BillingRelease, tally: Tally): RolloutStep {
  const { plan, stages } = tally;
  const isWaiting = ({ names }: (typeof stages)[number]) =>
    names.waiting.length + names.moving.length + names.stuck.length > 0;
  const blocked = stages.findIndex((stage, at) => isBlocked(plan, at) && isWaiting(stage));
  const next = stages.flatMap((stage, at) => {
    if (isBlocked(plan, at)) return [];
    const { names, unavailable } = stage;
    const most = mostOf(plan, at, stage);
    // These Sovereigns do not serve reliably anyway, so they take no place in the wave.
    return [
      ...names.waiting.slice(0, Math.max(0, most - unavailable)),
      ...names.moving,
      ...stuckNext(tally, stage, most),
    ];
  });
  const isDegraded = failedOf(tally) > 0;
  const waits = blocked === -1 ? "Complete" : "WaitingForApproval";
  return {
    phase: isDegraded ? "Degraded" : waits,
    stage: isDegraded ? -1 : blocked,
    next,
    wait: blocked === -1 ? WAVE : approvalWait(release, plan.stages[blocked]?.name ?? ""),
    installsInMs: 0,
  };
}
