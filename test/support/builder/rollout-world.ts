import { expect } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import type { Sovereign, SovereignStatus } from "../../../src/api/sovereign.ts";
import { isRolloutComplete } from "../../../src/controllers/billing-release/desired-completion.ts";
import { memberOf, planOf } from "../../../src/controllers/billing-release/desired-member.ts";
import { departureOf } from "../../../src/controllers/billing-release/desired-return.ts";
import { decideStep } from "../../../src/controllers/billing-release/desired-rollout.ts";
import { maxUnavailableOf } from "../../../src/controllers/billing-release/desired-stage.ts";
import { sizeOf, tallyOf } from "../../../src/controllers/billing-release/desired-tally.ts";
import { desiredStatus } from "../../../src/controllers/billing-release/status.ts";
import {
  atGeneration,
  condition,
  IMAGE,
  NEXT_IMAGE,
  release,
  servingOn,
  sovereign,
} from "./catalyst-object.ts";
import { connectFleet } from "./connected-fleet.ts";
import { type Chance, type Happening, NAMES, STARTS, type World } from "./rollout-arbitrary.ts";
import { createDatabases, firstReference } from "./rollout-database.ts";
import {
  awayStatus,
  hasFailed,
  hasFailedBack,
  isLeftBehind,
  isStalled,
  isUpdating,
  needsRepair,
  refusalOf,
} from "./rollout-fact.ts";

/** Starts a rollout of `NEXT_IMAGE` over a fleet on `IMAGE`, and checks each start against the bounds. */
export function createWorld({ stages, rollout, fleet }: World) {
  let brel = atGeneration(2, release({ ...rollout, stages }, { ...firstReference(), observedGeneration: 1 }));
  const releases = [brel];
  const databases = createDatabases(releases);
  const sovereigns: Sovereign[] = [
    sovereign("zero", { role: "CatalystZero" }, servingOn(IMAGE)),
    ...fleet.map(({ name, start }) => sovereign(name, {}, STARTS[start])),
  ];
  let connected = connectFleet(sovereigns, releases);
  const find = (name: string) => sovereigns.find(({ metadata }) => metadata.name === name);
  const tally = () => tallyOf(planOf(brel), sovereigns, connected.nowMs());
  const setStatus = (own: Sovereign, status: SovereignStatus) => connected.put({ ...own, status });
  const target = () => brel.spec.image;
  const by = (number = brel.metadata.generation) => `amal@${target().split("@")[1]}#${number}`;
  /**
   * The Sovereigns that took the image in the rollout that the status describes. A person may set a digest and the former
   * one before the operator sees it.
   */
  let takers = new Set<string>();
  let takersSinceTurn = new Set<string>();
  /** Whether a person approved the stages in the rollout that the status describes. */
  let isApproved = false;
  let isApprovedSinceTurn = false;
  const isOnImage = (own: Sovereign) => own.status?.pinnedImage === target();
  /** It runs the image, or went back to its previous one. */
  const canFail = (own: Sovereign) =>
    isOnImage(own) ||
    (planOf(brel).isReturning &&
      takers.has(own.metadata.name) &&
      own.status?.pinnedImage === own.status?.previousImage);
  /** The last status of each Sovereign whose cluster cannot be reached. */
  const seen = new Map<string, SovereignStatus | undefined>();
  const isDisconnected = ({ metadata }: Sovereign) => seen.has(metadata.name);
  const isLeft = (own: Sovereign) => isLeftBehind(own, seen.get(own.metadata.name), target());
  function change(next: BillingRelease): void {
    brel = next;
    connected.apply(next);
  }
  function annotate(name: string, value: string | undefined): void {
    const { [name]: _, ...others } = brel.metadata.annotations ?? {};
    const annotations = value === undefined ? others : { ...others, [name]: value };
    change({ ...brel, metadata: { ...brel.metadata, annotations } });
  }

  function checkStart(own: Sovereign): void {
    const before = tally();
    // Read from the objects, because the decision itself could be wrong.
    const { annotations = {} } = brel.metadata;
    expect(annotations["catalyst.openova.io/rollout-paused"]).toBeUndefined();
    const isComplete = isRolloutComplete(brel);
    if (!isComplete)
      expect(
        sovereigns.filter((each) => hasFailed(each, target())).map(({ metadata }) => metadata.name),
      ).toEqual([]);
    const member = memberOf(own, before.plan, connected.nowMs());
    const stage = before.plan.stages[member.stage];
    const own_ = before.stages[member.stage];
    if (member.stage === 0 || stage === undefined || own_ === undefined) return;
    if (member.state === "stuck" && member.hasPods) {
      const tried = own_.names.stuck.filter((each) => find(each)?.status?.pinnedImage === target());
      expect(tried.length).toBeLessThan(maxUnavailableOf(stage.maxUnavailable, sizeOf(own_)));
    }
    if (member.state !== "waiting") return;
    const unavailable = before.stages
      .slice(isComplete ? member.stage : 0, member.stage + 1)
      .reduce((sum, each) => sum + each.unavailable, 0);
    expect(unavailable + 1).toBeLessThanOrEqual(maxUnavailableOf(stage.maxUnavailable, sizeOf(own_)));
    if (stage.needsApproval) expect(isApproved).toBe(true);
  }

  function checkReturn(own: Sovereign): void {
    expect(brel.metadata.annotations?.["catalyst.openova.io/rollout-paused"]).toBeUndefined();
    if (isStalled(own.status) || own.status?.verified?.image !== target()) return;
    // One that serves stays while another is stalled on the image to which it went back.
    const failed = sovereigns
      .filter((each) => hasFailedBack(each, target()))
      .map(({ metadata }) => metadata.name);
    expect(failed.filter((name) => takers.has(name))).toEqual([]);
  }

  function reconcile(name: string): void {
    const own = find(name);
    if (own === undefined || own.spec.suspend || isDisconnected(own)) return;
    const decision = connected.fleets.decide(own, brel);
    // Like step/pin.ts: a wait with a known end is reconciled again at that time.
    if (decision.kind === "wait" && decision.retryAfterMs !== undefined)
      connected.enqueued.push([name, decision.retryAfterMs]);
    const { status = {} } = own;
    if (decision.kind === "update" && !isOnImage(own)) {
      checkStart(own);
      for (const set of [takers, takersSinceTurn]) set.add(name);
      setStatus(own, {
        ...status,
        pinnedImage: target(),
        ...departureOf(status, brel, target()),
        takenWhileFailing: isStalled(status) ? target() : undefined,
        conditions: [condition("VoucherShapeVerified", "False")],
      } as SovereignStatus);
    } else if (decision.kind === "return") {
      checkReturn(own);
      expect(takers).toContain(name);
      setStatus(own, {
        ...status,
        pinnedImage: status.previousImage ?? "",
        conditions: [condition("VoucherShapeVerified", "False")],
      });
    }
  }

  function verify(own: Sovereign): void {
    if (own.status?.pinnedImage !== undefined) setStatus(own, databases.verify(own, connected.nowMs()));
  }

  function report(): void {
    const now = new Date(connected.nowMs()).toISOString();
    const wasComplete = isRolloutComplete(brel);
    if (brel.status?.rollout?.image !== target()) {
      takers = takersSinceTurn;
      isApproved = isApprovedSinceTurn;
    }
    change({ ...brel, status: desiredStatus(brel, tally(), find("zero"), now) });
    if (!wasComplete && isRolloutComplete(brel)) expect(sovereigns.filter(isLeft)).toEqual([]);
  }

  const acts: Record<Happening["kind"], (name: string) => void> = {
    reconcile,
    report,
    finish: (name) => {
      const own = find(name);
      if (own !== undefined && !own.spec.suspend && !isDisconnected(own)) verify(own);
    },
    fail: (name) => {
      const own = find(name);
      if (own?.status === undefined || !canFail(own) || isDisconnected(own)) return;
      const conditions = [condition("VoucherShapeVerified", "False"), condition("Stalled", "True")];
      setStatus(own, { ...own.status, conditions });
    },
    repair: (name) => acts.finish(name),
    add: (name) => {
      if (find(name) === undefined) connected.put(sovereign(name, {}, servingOn(IMAGE)));
    },
    delete: (name) => {
      if (find(name) === undefined || name === "zero") return;
      seen.delete(name);
      connected.remove(name);
    },
    suspend: (name) => {
      const own = find(name);
      if (own !== undefined && name !== "zero")
        connected.put({ ...own, spec: { ...own.spec, suspend: true } });
    },
    continue: (name) => {
      const own = find(name);
      if (own !== undefined) connected.put({ ...own, spec: { ...own.spec, suspend: false } });
    },
    disconnect: (name) => {
      const own = find(name);
      if (own === undefined || name === "zero" || isDisconnected(own)) return;
      seen.set(name, own.status);
      setStatus(own, awayStatus(own.status));
    },
    reconnect: (name) => {
      const own = find(name);
      if (own === undefined || !isDisconnected(own)) return;
      const { status: _, ...rest } = own;
      const status = seen.get(name);
      seen.delete(name);
      connected.put(status === undefined ? rest : { ...rest, status });
    },
    wait: () => connected.pass(60_000),
    // A new operator reads the objects, and has no other state of the one before.
    restart: () => {
      const nowMs = connected.nowMs();
      connected = connectFleet(sovereigns, releases);
      connected.pass(nowMs - connected.nowMs());
      for (const { metadata } of sovereigns) connected.enqueued.push([metadata.name, 0]);
    },
    pause: () => annotate("catalyst.openova.io/rollout-paused", by()),
    abort: () => {
      annotate("catalyst.openova.io/rollout-paused", undefined);
      annotate("catalyst.openova.io/rollout-aborted", by());
    },
    resume: () => {
      annotate("catalyst.openova.io/rollout-paused", undefined);
      annotate("catalyst.openova.io/rollout-aborted", undefined);
      const number = brel.status?.rollout?.halt?.number;
      if (number !== undefined) annotate("catalyst.openova.io/rollout-resumed", by(number));
    },
    approve: () => {
      [isApproved, isApprovedSinceTurn] = [true, true];
      for (const { name } of stages) annotate(`approve.catalyst.openova.io/${name}`, by());
    },
    // A person sets the other digest, and the registry has it.
    turn: () => {
      const image = target() === IMAGE ? NEXT_IMAGE : IMAGE;
      const status: BillingRelease["status"] = { ...brel.status, imageCheck: { image, result: "Found" } };
      takersSinceTurn = new Set();
      isApprovedSinceTurn = false;
      change(
        atGeneration((brel.metadata.generation ?? 0) + 1, { ...brel, spec: { ...brel.spec, image }, status }),
      );
    },
    restore: (name) => {
      const own = find(name);
      if (own?.status?.pinnedImage === IMAGE && own.status.migration?.image === IMAGE) databases.restore(own);
    },
  };

  /**
   * Writes the status, and reconciles exactly the Sovereigns that were enqueued, at their times. Returns whether there were
   * any.
   */
  function operate(): boolean {
    report();
    const due = connected.enqueued.splice(0);
    for (const [name, afterMs = 0] of due) {
      if (afterMs > 0) connected.pass(afterMs);
      reconcile(name);
    }
    if (due.length > 0) return true;
    // Like controller.ts: the release is reconciled again when a bake ends.
    const againMs = decideStep(brel, tally(), connected.nowMs()).wait?.retryAfterMs;
    if (againMs !== undefined) connected.pass(againMs);
    return againMs !== undefined;
  }

  function poolOf(kind: Happening["kind"]): string[] {
    if (kind === "add") return NAMES;
    const can = { fail: canFail, finish: isUpdating, repair: needsRepair }[kind as string] ?? (() => true);
    return sovereigns.filter(can).map(({ metadata }) => metadata.name);
  }

  return {
    happen: ({ kind, name }: Happening) => acts[kind](name),
    take({ kind, at }: Chance): void {
      if (kind === "operate") return void operate();
      const pool = poolOf(kind);
      const name = pool[at % pool.length];
      if (name !== undefined) acts[kind](name);
    },
    phase: () => brel.status?.phase,
    isComplete: () => isRolloutComplete(brel),
    isReturning: () => planOf(brel).isReturning,
    /** The Sovereigns that have the image, and left another one in this rollout. */
    returnable: () =>
      sovereigns
        .filter((own) => isOnImage(own) && takers.has(own.metadata.name))
        .filter(({ status }) => ![undefined, target()].includes(status?.previousImage))
        .map(({ metadata }) => metadata.name),
    /** The Sovereigns that have the image. */
    updated: () => sovereigns.filter(isOnImage).map(({ metadata }) => metadata.name),
    names: () => sovereigns.map(({ metadata }) => metadata.name),
    target,
    refused: () => sovereigns.flatMap(refusalOf),
    state: () => JSON.stringify(brel.status?.rollout, undefined, 1),
    /** One round of an operator whose Sovereigns all update without a failure. */
    operate(): boolean {
      const isBusy = operate();
      const updating = sovereigns.filter(
        (own) => !own.spec.suspend && !isDisconnected(own) && isUpdating(own),
      );
      updating.forEach(verify);
      return isBusy || updating.length > 0;
    },
  };
}
