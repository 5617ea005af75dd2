import type pg from "pg";
import type { Organization } from "../api/organization.ts";
import type { Sovereign } from "../api/sovereign.ts";
import { readTenantSubscriptions } from "../billing/ledger/tenant-subscription.ts";
import type {
  SubscriptionStanding,
  SubscriptionStandings,
  UnknownSubscription,
} from "../controllers/organization/controller.ts";
import type { Informer } from "../kube/informer.ts";
import { canonicalJson } from "../platform/canonical-json.ts";
import { isRecent } from "../platform/recent.ts";

/** The name of the index of Organizations by their Sovereign. */
export const ORGANIZATION_SOVEREIGN_INDEX = "sovereign";

/** A Sovereign's database is read again after this time, and at once for an Organization that was not read yet. */
const LOOK_EVERY_MS = 60_000;
/** An older reading says nothing. The visits of a fleet of 10,000 Sovereigns take 83 minutes. */
const OUTDATED_AFTER_MS = 3 * 3_600_000;

export interface ObservedSubscriptions extends SubscriptionStandings {
  /** Reads the subscriptions of a Sovereign's Organizations over the open connection of an outbox pass. */
  look(sovereign: string, client: Pick<pg.ClientBase, "query">): Promise<void>;
  /** Drops the state of a deleted Sovereign's Organizations, and reports them. */
  forget(sovereign: string): void;
}

/** The subscriptions of Organizations, as read from the databases of the fleet. */
export function createObservedSubscriptions({
  organizations,
  sovereigns,
  now,
}: {
  /** Indexed by `ORGANIZATION_SOVEREIGN_INDEX`. */
  organizations: Informer<Organization>;
  sovereigns: Pick<Informer<Sovereign>, "get">;
  now: () => Date;
}): ObservedSubscriptions {
  const known = new Map<string, Map<string, SubscriptionStanding>>();
  const lookedAtMs = new Map<string, number>();
  const handlers = new Set<(organization: string) => void>();
  let connectedAtMs: number | undefined;

  const isCurrent = (atMs: number) => isRecent(atMs, now().getTime(), OUTDATED_AFTER_MS);

  function standingOf({
    metadata,
    spec,
  }: Organization): SubscriptionStanding | UnknownSubscription | undefined {
    if (sovereigns.get(spec.sovereign) === undefined) return "sovereign-missing";
    const lookedAt = lookedAtMs.get(spec.sovereign);
    if (lookedAt !== undefined && isCurrent(lookedAt)) return known.get(spec.sovereign)?.get(metadata.name);
    // A new leader has had no time to read. The status has what the former one read.
    return connectedAtMs === undefined || isCurrent(connectedAtMs) ? undefined : "outdated";
  }

  return {
    standingOf,
    connect(enqueue, signal) {
      connectedAtMs = now().getTime();
      const handler = (organization: string) => enqueue(organization);
      handlers.add(handler);
      signal.addEventListener("abort", () => handlers.delete(handler), { once: true });
    },

    async look(sovereign, client) {
      const lookedAt = lookedAtMs.get(sovereign);
      // An outdated reading was reported as unknown, so that an equal one is a change.
      const before = lookedAt !== undefined && isCurrent(lookedAt) ? known.get(sovereign) : undefined;
      const ordered = organizations
        .byIndex(ORGANIZATION_SOVEREIGN_INDEX, sovereign)
        .flatMap(({ metadata: { name }, spec: { order } }) => (order === undefined ? [] : [{ name, order }]));
      const wasRead = isRecent(lookedAt ?? 0, now().getTime(), LOOK_EVERY_MS);
      if (wasRead && ordered.every(({ name }) => before?.has(name))) return;
      const orders = ordered.map(({ order }) => order);
      const found = await readTenantSubscriptions(orders, client);
      const byOrder = new Map(found.map((subscription) => [subscription.order, subscription]));
      const after = new Map(
        ordered.map(({ name, order }): [string, SubscriptionStanding] => {
          const { status, periodEndsAt } = byOrder.get(order) ?? { status: null, periodEndsAt: null };
          return [name, { status, periodEndsAt: periodEndsAt?.toISOString() }];
        }),
      );
      // Most Sovereigns of a large fleet have no Organization here.
      if (after.size > 0) known.set(sovereign, after);
      else known.delete(sovereign);
      lookedAtMs.set(sovereign, now().getTime());
      for (const [name, standing] of after)
        if (canonicalJson(standing) !== canonicalJson(before?.get(name) ?? null))
          for (const handler of handlers) handler(name);
    },

    forget(sovereign) {
      known.delete(sovereign);
      lookedAtMs.delete(sovereign);
      for (const { metadata } of organizations.byIndex(ORGANIZATION_SOVEREIGN_INDEX, sovereign))
        for (const handler of handlers) handler(metadata.name);
    },
  };
}
