import type { BillingRelease } from "../../api/billing-release.ts";
import type { Phase } from "../../api/rollout-status.ts";
import type { RolloutPlan } from "./desired-member.ts";

/** Why a Sovereign must wait for a release's image. `retryAfterMs` is set when the end of the wait is known. */
export interface RolloutWait {
  reason: string;
  message: string;
  retryAfterMs?: number;
}

/** The present step of a release's rollout. */
export interface RolloutStep {
  phase: Phase;
  /**
   * Index of the stage that takes the image or waits for its approval. -1 while Sovereigns go back, and after the
   * completion unless a stage waits for approval.
   */
  stage: number;
  /** The Sovereigns that change their image next: at once, or when `wait` is over. */
  next: readonly string[];
  /** Why no other Sovereign changes its image now. */
  wait: RolloutWait | undefined;
  /** When Sovereigns that ran nothing yet install the image, in milliseconds from now; undefined: not in this step. */
  installsInMs: number | undefined;
}

export const wait = (reason: string, message: string): RolloutWait => ({ reason, message });

export const WAVE = wait(
  "WaitingForWave",
  "other Sovereigns are updating, and maxUnavailable of the BillingRelease allows no more at once: this one updates by itself afterwards",
);

export const WAITING_FOR_CLUSTER = "WaitingForCluster";

/** A Sovereign failed on its previous image while the rollout goes back. */
export const RETURN_FAILED = "ReturnFailed";

/** `names` are Sovereigns on unreachable clusters, the first by name first. */
export const clusterWait = ({ metadata }: BillingRelease, [name = "", ...others]: string[]): RolloutWait =>
  wait(
    WAITING_FOR_CLUSTER,
    `the hub does not reach the cluster of Sovereign ${name}${others.length === 0 ? "" : `, nor those of ${others.length} more`}: it takes the image when its cluster answers; to complete the rollout without it, run \`catalyst rollout skip ${metadata.name} ${name}\``,
  );

export const approvalWait = ({ metadata }: BillingRelease, stage: string): RolloutWait =>
  wait(
    "WaitingForApproval",
    `stage ${stage} waits for a person: run \`catalyst rollout approve ${metadata.name} ${stage}\``,
  );

/** Whether a stage waits until a person approves it for this image. */
export function isBlocked({ stages, interventions }: RolloutPlan, at: number): boolean {
  const { needsApproval = false, name = "" } = stages[at] ?? {};
  return needsApproval && !interventions.approved.has(name);
}
