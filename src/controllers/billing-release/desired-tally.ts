import type { Sovereign } from "../../api/sovereign.ts";
import {
  MEMBER_STATES,
  type Member,
  type MemberState,
  memberOf,
  type RolloutPlan,
} from "./desired-member.ts";
import { maxUnavailableOf } from "./desired-stage.ts";

type Names = Record<MemberState, string[]>;

interface StageTally {
  /** Names by state, each list in the order of names. */
  names: Names;
  /** The number of Sovereigns that take a place in a wave. */
  unavailable: number;
  /** The number of Sovereigns that served before and take the image now. */
  updating: number;
  /** Start of the bake by Sovereign, in milliseconds since 1970. */
  baking: Map<string, number>;
}

/**
 * The states of all Sovereigns of a release, as counts and lists. Each change costs the same, however large the fleet is.
 * Counting the whole fleet at each change took 55 % of all time at 3,000 Sovereigns.
 */
export interface Tally {
  plan: RolloutPlan;
  members: Map<string, Member>;
  stages: StageTally[];
  updated: number;
  verified: number;
  drifted: number;
  stalled: number;
  /** How many Sovereigns have pinned each image, or may go back to it. */
  images: Map<string, number>;
  /** Catalyst-Zero, on which the release is measured, if it is on the release. */
  zeros: Set<string>;
  /** Sovereigns that need a person to continue, and did not fail on the image. */
  needingPerson: Set<string>;
  /** Sovereigns on unreachable clusters, which delay the completion. */
  awaited: Set<string>;
  /** Ends of holds by Sovereign, in milliseconds since 1970. */
  holds: Map<string, number>;
}

export function emptyTally(plan: RolloutPlan): Tally {
  return {
    plan,
    members: new Map(),
    stages: plan.stages.map(() => ({ names: noNames(), unavailable: 0, updating: 0, baking: new Map() })),
    updated: 0,
    verified: 0,
    drifted: 0,
    stalled: 0,
    images: new Map(),
    zeros: new Set(),
    needingPerson: new Set(),
    awaited: new Set(),
    holds: new Map(),
  };
}

const noNames = (): Names =>
  Object.fromEntries(MEMBER_STATES.map((state) => [state, []])) as unknown as Names;

export function tallyOf(plan: RolloutPlan, sovereigns: readonly Sovereign[], nowMs: number): Tally {
  const tally = emptyTally(plan);
  for (const sovereign of sovereigns) putMember(tally, memberOf(sovereign, plan, nowMs));
  return tally;
}

/** Adds a member, or replaces the earlier entry of the same Sovereign. */
export function putMember(tally: Tally, member: Member): void {
  removeMember(tally, member.name);
  tally.members.set(member.name, member);
  countMember(tally, member, 1);
}

export function removeMember(tally: Tally, name: string): void {
  const member = tally.members.get(name);
  if (member === undefined) return;
  tally.members.delete(name);
  countMember(tally, member, -1);
}

function countMember(tally: Tally, member: Member, by: 1 | -1): void {
  const { name, state, bakesSinceMs, untilMs, pinnedImage, previousImage } = member;
  const stage = tally.stages[member.stage];
  if (stage === undefined) throw new Error(`Sovereign ${name} is in no stage`);
  changeNames(stage.names[state], name, by);
  if (member.takesPlace) stage.unavailable += by;
  if (member.hasServed && state === "updating") stage.updating += by;
  changeEntry(stage.baking, name, bakesSinceMs, by);
  changeEntry(tally.holds, name, untilMs, by);
  if (member.isUpdated) tally.updated += by;
  if (member.isVerified) tally.verified += by;
  if (member.isDrifted) tally.drifted += by;
  if (member.isStalled) tally.stalled += by;
  const change = by === 1 ? "add" : "delete";
  if (member.isCatalystZero) tally.zeros[change](name);
  if (member.needsPerson) tally.needingPerson[change](name);
  if (member.isAwaited) tally.awaited[change](name);
  for (const image of new Set([pinnedImage, previousImage])) {
    if (image === undefined) continue;
    const others = (tally.images.get(image) ?? 0) + by;
    if (others === 0) tally.images.delete(image);
    else tally.images.set(image, others);
  }
}

function changeEntry(map: Map<string, number>, name: string, value: number | undefined, by: 1 | -1): void {
  if (value === undefined) return;
  if (by === 1) map.set(name, value);
  else map.delete(name);
}

/** Inserts or removes a name of a sorted list. */
function changeNames(names: string[], name: string, by: 1 | -1): void {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? "") < name) low = middle + 1;
    else high = middle;
  }
  if (by === 1) names.splice(low, 0, name);
  else if (names[low] === name) names.splice(low, 1);
}

/**
 * The Sovereigns of a stage in state `stuck` that take the image next. They take no place in a wave. But an image that fails
 * must not replace the Pods of all of them: of those with available Pods, so many follow that at most `most` are on the image
 * without being verified.
 */
export function stuckNext({ plan, members }: Tally, { names }: StageTally, most: number): string[] {
  const isOnImage = (name: string) => members.get(name)?.pinnedImage === plan.image;
  let places = most - names.stuck.filter(isOnImage).length;
  return names.stuck.filter((name) => {
    if (isOnImage(name) || members.get(name)?.hasPods !== true) return true;
    places -= 1;
    return places >= 0;
  });
}

export const sizeOf = ({ names }: StageTally): number =>
  MEMBER_STATES.reduce((sum, state) => sum + names[state].length, 0);

/** How many Sovereigns of a stage may be unavailable at the same time. */
export const mostOf = (plan: RolloutPlan, at: number, stage: StageTally): number =>
  maxUnavailableOf(plan.stages[at]?.maxUnavailable ?? 1, sizeOf(stage));

export const countOf = ({ stages }: Tally, state: MemberState): number =>
  stages.reduce((sum, { names }) => sum + names[state].length, 0);

/** How many failed on the image, or wait for a person before they take it. */
export const failedOf = (tally: Tally): number => countOf(tally, "failed") + tally.needingPerson.size;

/** The first names in a state, over all stages in their order. */
export function namesOf({ stages }: Tally, state: MemberState, most = Number.POSITIVE_INFINITY): string[] {
  const found: string[] = [];
  for (const { names } of stages) {
    for (const name of names[state]) {
      if (found.length >= most) return found;
      found.push(name);
    }
  }
  return found;
}
