import type { BillingRelease } from "../../api/billing-release.ts";
import { isConditionTrue, STALLED } from "../../api/condition.ts";
import { GROUP } from "../../api/kind.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Informer, InformerEvent } from "../../kube/informer.ts";
import type { Watch } from "../../kube/reconcile.ts";
import { isOlder } from "../../kube/version.ts";
import { canonicalJson } from "../../platform/canonical-json.ts";
import { imageObstacle } from "./desired-image-check.ts";
import { memberOf, planOf } from "./desired-member.ts";
import { rolloutStart } from "./desired-return.ts";
import { decideMember, decideStep, type RolloutDecision } from "./desired-rollout.ts";
import { emptyTally, namesOf, putMember, removeMember, type Tally } from "./desired-tally.ts";

/** The state of each Sovereign in the rollout of its release. The events of the caches keep it up to date. */
export interface Fleets {
  /** Whether a Sovereign takes its release's image now. `sovereign` has its newest status. */
  decide(sovereign: Sovereign, release: BillingRelease): RolloutDecision;
  /** The states of a release's Sovereigns. */
  tally(release: BillingRelease): Tally;
  /** Enqueues the Sovereigns that change their image next, as the fleet and the releases change. */
  watch: Watch;
}

interface Fleet {
  tally: Tally;
  /** The fields of the release that the tally depends on, serialised. */
  basis: string;
  /** Sovereigns that may change their image, while their status in the cache does not say so yet. */
  reserved: Set<string>;
  /** Sovereigns that were enqueued for the present step. */
  announced: ReadonlySet<string>;
  hasInstalls: boolean;
}

export interface FleetDeps {
  sovereigns: Informer<Sovereign>;
  releases: Informer<BillingRelease>;
  /** Name of the index of Sovereigns by release. */
  index: string;
  now: () => Date;
}

/**
 * Updates the counts of a fleet as its Sovereigns change. Before its watch is connected, each call counts the fleet from
 * the caches.
 */
export function createFleets(deps: FleetDeps): Fleets {
  const { sovereigns, releases, now } = deps;
  const store = createFleetStore(deps);

  /**
   * Enqueues each Sovereign once for each step. With one enqueue for each event, the load would grow with the square of the
   * fleet. A Sovereign in `changed` is enqueued again when it may install its first image, because it is no longer refused.
   */
  function announce(
    release: BillingRelease,
    enqueue: (key: string, afterMs?: number) => void,
    changed: readonly string[] = [],
  ): void {
    const fleet = store.fleetOf(release);
    const { next, wait, installsInMs } = decideStep(release, fleet.tally, now().getTime());
    for (const name of next) if (!fleet.announced.has(name)) enqueue(name, wait?.retryAfterMs);
    fleet.announced = new Set(next);
    if (installsInMs !== undefined) {
      const isNew = (name: string) => fleet.tally.members.get(name)?.state === "new";
      const installing = fleet.hasInstalls ? changed.filter(isNew) : namesOf(fleet.tally, "new");
      for (const name of installing) enqueue(name, installsInMs);
    }
    fleet.hasInstalls = installsInMs !== undefined;
  }

  return {
    tally: (release) => store.fleetOf(release).tally,
    decide(sovereign, release) {
      const fleet = store.fleetOf(release);
      const { plan } = fleet.tally;
      const { name } = sovereign.metadata;
      const nowMs = now().getTime();
      const step = decideStep(release, fleet.tally, nowMs);
      // The answer to a status write may be lost. The watch event of that write then ends the reservation while a reconcile
      // still uses the earlier status. By that status, the Sovereign would wait on its earlier image, and its new migration
      // would count as superseded.
      const cached = sovereigns.get(name);
      const newest = cached !== undefined && isOlder(sovereign, cached) ? cached : sovereign;
      const member = memberOf(newest, plan, nowMs, fleet.reserved.has(name));
      const decision = decideMember(member, step, plan, nowMs);
      const isUpdate = decision.kind === "update" && member.pinnedImage !== plan.image;
      if (isUpdate || decision.kind === "return") store.reserve(fleet, name);
      // A pause or a halt came before the status said that it updates. It is enqueued again for a place after that.
      else if (plan.isReturning ? isPaused(plan) : decision.kind === "wait") store.release(fleet, name);
      return decision;
    },
    watch: {
      connect(enqueue, signal) {
        store.connect(signal);
        sovereigns.onChange((event) => {
          const seen = event.kind === "updated" ? [event.previous, event.object] : [event.object];
          for (const name of new Set(seen.map(({ spec }) => spec.billing.release))) {
            const release = releases.get(name);
            if (release === undefined || !store.follow(event, name)) continue;
            announce(release, enqueue, event.kind === "updated" ? [event.object.metadata.name] : []);
          }
        }, signal);
        releases.onChange((event) => {
          if (event.kind === "deleted") store.forget(event.object.metadata.name);
          else if (event.kind === "added" || isRolloutChanged(event.previous, event.object))
            announce(event.object, enqueue);
        }, signal);
      },
    },
  };
}

function createFleetStore({ sovereigns, releases, index, now }: FleetDeps) {
  const fleets = new Map<string, Fleet>();
  let isConnected = false;

  function put(fleet: Fleet, sovereign: Sovereign): void {
    const { name } = sovereign.metadata;
    const { plan } = fleet.tally;
    if (isSettled(sovereign, fleet.tally)) fleet.reserved.delete(name);
    putMember(fleet.tally, memberOf(sovereign, plan, now().getTime(), fleet.reserved.has(name)));
  }

  /** The fleet of a release, counted again when the release has another image, other stages or other annotations. */
  function fleetOf(given: BillingRelease): Fleet {
    const { name } = given.metadata;
    const release = releases.get(name) ?? given;
    const basis = basisOf(release);
    const known = isConnected ? fleets.get(name) : undefined;
    if (known?.basis === basis) {
      endHolds(known);
      return known;
    }
    const plan = planOf(release);
    const isSameWay =
      known?.tally.plan.image === plan.image && known.tally.plan.isReturning === plan.isReturning;
    const fleet: Fleet = {
      tally: emptyTally(plan),
      basis,
      reserved: isSameWay ? known.reserved : new Set(),
      announced: new Set(),
      hasInstalls: false,
    };
    for (const sovereign of sovereigns.byIndex(index, name)) put(fleet, sovereign);
    fleets.set(name, fleet);
    return fleet;
  }

  function endHolds(fleet: Fleet): void {
    const nowMs = now().getTime();
    for (const [name, untilMs] of fleet.tally.holds) {
      const sovereign = untilMs <= nowMs ? sovereigns.get(name) : undefined;
      if (sovereign !== undefined) put(fleet, sovereign);
    }
  }

  return {
    fleetOf,
    forget: (releaseName: string) => fleets.delete(releaseName),
    /** Until the signal fires, the events keep the fleets up to date. */
    connect(signal: AbortSignal): void {
      fleets.clear();
      isConnected = true;
      for (const release of releases.list()) fleetOf(release);
      signal.addEventListener("abort", () => {
        isConnected = false;
      });
    },
    /**
     * Counts the Sovereign as updating before its status says so, because two decisions must not give away the same place.
     */
    reserve(fleet: Fleet, name: string): void {
      const cached = sovereigns.get(name);
      if (cached === undefined || fleet.reserved.has(name)) return;
      fleet.reserved.add(name);
      put(fleet, cached);
    },
    release(fleet: Fleet, name: string): void {
      const cached = sovereigns.get(name);
      if (fleet.reserved.delete(name) && cached !== undefined) put(fleet, cached);
    },
    /** Applies an event to the fleet of a release. Returns whether the Sovereign's place in the rollout changed. */
    follow({ kind, object }: InformerEvent<Sovereign>, releaseName: string): boolean {
      const fleet = fleets.get(releaseName);
      if (fleet === undefined) return false;
      const { name } = object.metadata;
      const before = fleet.tally.members.get(name)?.state;
      if (kind === "deleted" || object.spec.billing.release !== releaseName) {
        fleet.reserved.delete(name);
        removeMember(fleet.tally, name);
      } else put(fleet, object);
      return before !== fleet.tally.members.get(name)?.state;
    },
  };
}

const isPaused = ({ interventions }: Tally["plan"]): boolean => interventions.pausedBy !== undefined;

/** A reservation ends when the status says that the image changed, or when the Sovereign cannot change it. */
function isSettled({ spec, status }: Sovereign, { plan }: Tally): boolean {
  const hasChanged = (status?.pinnedImage === plan.image) !== plan.isReturning;
  return hasChanged || spec.suspend || isConditionTrue(status?.conditions, STALLED);
}

const bases = new WeakMap<BillingRelease, string>();

/** The fields of a release that decide the states of its Sovereigns. Serialised once for each version of the object. */
function basisOf(release: BillingRelease): string {
  const known = bases.get(release);
  if (known !== undefined) return known;
  const { metadata, spec, status } = release;
  const { annotations = {} } = metadata;
  const { image, halt, completedAt } = status?.rollout ?? {};
  const basis = canonicalJson([
    metadata.uid ?? "",
    spec,
    Object.entries(annotations).filter(([name]) => name.split("/")[0]?.endsWith(GROUP)),
    [image ?? "", halt?.number ?? 0, halt?.returns ?? false, completedAt ?? "", rolloutStart(release) ?? 0],
  ]);
  bases.set(release, basis);
  return basis;
}

/** Whether other Sovereigns than before may take the image. */
const isRolloutChanged = (before: BillingRelease, after: BillingRelease): boolean =>
  basisOf(before) !== basisOf(after) ||
  imageObstacle(before)?.reason !== imageObstacle(after)?.reason ||
  before.status?.reference?.image !== after.status?.reference?.image;
