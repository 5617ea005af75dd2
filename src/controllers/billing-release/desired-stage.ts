import type { BillingRelease } from "../../api/billing-release.ts";
import { findCondition, STALLED } from "../../api/condition.ts";
import { parseDurationMs } from "../../api/duration.ts";
import { FIRST_STAGE, LAST_STAGE, type SovereignSelector } from "../../api/rollout.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { REFUSAL } from "../readiness.ts";

/** A stage of a rollout, with its own values or those of the release. */
export interface Stage {
  name: string;
  maxUnavailable: number | string;
  bakeMs: number;
  /** Whether a person has to approve the stage before it starts. */
  needsApproval: boolean;
  takes(sovereign: Sovereign): boolean;
}

/** The stages in their order: the canaries, those that the release defines, and the one for every other Sovereign. */
export function stagesOf({ spec }: BillingRelease): Stage[] {
  const { canaries = [], stages = [], maxUnavailable, bake } = spec.rollout;
  const common = { maxUnavailable, bakeMs: parseDurationMs(bake), needsApproval: false };
  return [
    {
      ...common,
      name: FIRST_STAGE,
      takes: (sovereign) => canaries.includes(sovereign.metadata.name) || isCatalystZero(sovereign),
    },
    ...stages.map(({ name, selector, sovereigns, approval, ...own }) => ({
      name,
      maxUnavailable: own.maxUnavailable ?? maxUnavailable,
      bakeMs: parseDurationMs(own.bake ?? bake),
      needsApproval: approval,
      takes: ({ metadata }: Sovereign) =>
        selector === undefined
          ? sovereigns?.includes(metadata.name) === true
          : isSelected(selector, metadata.labels ?? {}),
    })),
    { ...common, name: LAST_STAGE, takes: () => true },
  ];
}

/** A second Sovereign with role CatalystZero is refused, and is no canary. */
export const isCatalystZero = (sovereign: Sovereign): boolean =>
  sovereign.spec.role === "CatalystZero" && !isRefused(sovereign);

/**
 * Whether the operator refuses to do anything for this Sovereign. A Sovereign that is stalled for another reason takes the
 * image as soon as it can, for example when the API server refused a write, or when it waited beyond its deadline.
 */
export function isRefused({ status }: Sovereign): boolean {
  const stalled = findCondition(status?.conditions, STALLED);
  return (
    status?.pinnedImage === undefined &&
    stalled?.status === "True" &&
    REFUSAL.some((reason) => reason === stalled.reason)
  );
}

function isSelected(
  { matchLabels = {}, matchExpressions = [] }: SovereignSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === "Exists") return value !== undefined;
      if (operator === "DoesNotExist") return value === undefined;
      const isListed = value !== undefined && values.includes(value);
      return operator === "In" ? isListed : !isListed;
    })
  );
}

/** At least 1, because a small percentage of a small stage must not stop the rollout. */
export function maxUnavailableOf(value: number | string, size: number): number {
  const count = typeof value === "number" ? value : Math.floor((Number(value.replace("%", "")) / 100) * size);
  return Math.max(1, count);
}
