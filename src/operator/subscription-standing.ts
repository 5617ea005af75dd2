import type pg from "pg";
import type { Organization } from "../api/organization.ts";
import { readTenantSubscriptions } from "../billing/ledger/tenant-subscription.ts";
import type { SubscriptionStanding, SubscriptionStandings } from "../controllers/organization/controller.ts";
import type { Informer } from "../kube/informer.ts";
import { canonicalJson } from "../platform/canonical-json.ts";
import { isRecent } from "../platform/recent.ts";

/** The name of the index of Organizations by their Sovereign. */
export const ORGANIZATION_SOVEREIGN_INDEX = "sovereign";

/** A Sovereign's database is read again after this time, and at once for an Organization that was not read yet. */
const LOOK_EVERY_MS = 60_000;

export interface ObservedSubscriptions extends SubscriptionStandings {
  /** Reads the subscriptions of a Sovereign's Organizations over the open connection of an outbox pass. */
  look(sovereign: string, client: Pick<pg.ClientBase, "query">): Promise<void>;
  /** Drops the state of a Sovereign's Organizations. */
  forget(sovereign: string): void;
}

/** The subscriptions of Organizations, as read from the databases of the fleet. */
export function createObservedSubscriptions({
  organizations,
  now,
}: {
  /** Indexed by `ORGANIZATION_SOVEREIGN_INDEX`. */
  organizations: Informer<Organization>;
  now: () => Date;
}): ObservedSubscriptions {
  const known = new Map<string, Map<string, SubscriptionStanding>>();
  const lookedAtMs = new Map<string, number>();
  const handlers = new Set<(organization: string) => void>();

  return {
    standingOf: ({ metadata, spec }) => known.get(spec.sovereign)?.get(metadata.name),
    connect(enqueue, signal) {
      const handler = (organization: string) => enqueue(organization);
      handlers.add(handler);
      signal.addEventListener("abort", () => handlers.delete(handler), { once: true });
    },

    async look(sovereign, client) {
      const before = known.get(sovereign);
      const ordered = organizations
        .byIndex(ORGANIZATION_SOVEREIGN_INDEX, sovereign)
        .flatMap(({ metadata: { name }, spec: { order } }) => (order === undefined ? [] : [{ name, order }]));
      const wasRead = isRecent(lookedAtMs.get(sovereign) ?? 0, now().getTime(), LOOK_EVERY_MS);
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
    },
  };
}
