import type { Logger } from "../../platform/log.ts";
import type { Database } from "../db/database.ts";
import { type DueLoop, MAX_NAMING_MS } from "./due-loop.ts";
import { type PaymentProcessor, refusedOrThrow } from "./processor.ts";
import type { PaymentSettingsService } from "./settings.ts";
import type { SubscriptionOrigin } from "./subscription-origin.ts";

/** With two or three requests each and a sweep every 30 seconds, at most five requests a second. */
const MAX_NAMED = 50;
/** When the account lacks this many and has none, the keys are those of another account or mode. */
const GIVE_UP_AFTER = 3;
/** The rights of a restricted key can be changed at Stripe, so a key that was given up is tried again after this time. */
const GIVEN_UP_MS = 3_600_000;
const MAX_LOGGED = 20;

/**
 * The origin of the charges of subscription `s`. An adopted subscription names no order: its own is the customer's latest one for
 * the same plan and tenant before it began.
 */
export const SUBSCRIPTION_ORIGIN_SQL = `s.tenant_id AS "tenantId", s.plan_id AS "planId",
                    coalesce(s.order_id, (
                      SELECT o.id FROM orders o
                       WHERE o.adopted AND o.customer_id = s.customer_id AND o.tenant_id = s.tenant_id
                         AND o.plan_id = s.plan_id AND o.created_at <= s.created_at
                         AND coalesce(o.status, '') NOT IN ('pending', 'failed', 'expired', 'canceled', 'cancelled', 'credited')
                       ORDER BY o.created_at DESC LIMIT 1)) AS "orderId"`;

type Due = Omit<SubscriptionOrigin, "sovereign"> & { stripeSubscriptionId: string };
type Outcome = Awaited<ReturnType<PaymentProcessor["nameSubscription"]>> | "refused";
interface Unnamed {
  stripeSubscriptionId: string;
  outcome: Outcome;
}

/**
 * Writes the origin of charges into the metadata of the subscriptions that the earlier service opened at Stripe, and of their
 * customers. Stripe shows it in each later invoice as details of the subscription. What was done is remembered as an event,
 * which the janitor deletes after 35 days. The subscription is then read again, and Stripe's own metadata says that nothing is
 * to be written. A subscription that the account does not have is remembered so only if the key's account has another one:
 * otherwise the key may be wrong, and the next key may find it.
 */
export function createSubscriptionNaming(deps: {
  database: Database;
  settings: PaymentSettingsService;
  processor: PaymentProcessor;
  sovereignFqdn: string;
  forEachDue: DueLoop;
  logger: Logger;
}): () => Promise<void> {
  const { database, settings, processor, sovereignFqdn, forEachDue, logger } = deps;
  const nothingFound = (secretKey: string) => ({
    ...{ secretKey, hasFound: false, isGivenUp: false, untilMs: Number.POSITIVE_INFINITY },
    missing: [] as string[],
  });
  /** What this process found with its present key. `missing`: the account does not have them, and this is not remembered yet. */
  let found = nothingFound("");

  const name = (secretKey: string, { stripeSubscriptionId, ...order }: Due) =>
    processor
      .nameSubscription(secretKey, stripeSubscriptionId, { sovereign: sovereignFqdn, ...order })
      .catch(refusedOrThrow);

  async function remember(stripeSubscriptionId: string): Promise<void> {
    await database.query({
      name: "subscription-origin-remember",
      text: `INSERT INTO stripe_webhook_events (event_id, event_type) VALUES ('origin:' || $1, 'subscription.origin')
             ON CONFLICT (event_id) DO NOTHING`,
      values: [stripeSubscriptionId],
    });
  }

  function learn(stripeSubscriptionId: string, outcome: Outcome): void {
    if (["named", "foreign", "customer_forbidden"].includes(outcome)) found.hasFound = true;
    if (outcome === "missing") found.missing.push(stripeSubscriptionId);
    found.isGivenUp = outcome === "forbidden" || (!found.hasFound && found.missing.length >= GIVE_UP_AFTER);
    if (found.isGivenUp) found.untilMs = performance.now() + GIVEN_UP_MS;
  }

  /** Remembers the subscriptions about which the same request would have the same answer. */
  async function rememberUnnamed(unnamed: readonly Unnamed[]): Promise<void> {
    const { isGivenUp, hasFound, missing } = found;
    const answered = unnamed.filter(({ outcome }) => !isGivenUp && outcome !== "missing");
    const ids = answered.map(({ stripeSubscriptionId }) => stripeSubscriptionId);
    for (const id of hasFound ? [...ids, ...missing.splice(0)] : ids) await remember(id);
  }

  return async () => {
    const { secretKey } = await settings.keys();
    if (found.secretKey !== secretKey || performance.now() > found.untilMs) found = nothingFound(secretKey);
    if (secretKey === "" || found.isGivenUp) return;
    // In random order, so that subscriptions that always fail do not block the others.
    const due = await database.query<Due>({
      name: "subscription-origin-due",
      text: `SELECT s.stripe_subscription_id AS "stripeSubscriptionId", ${SUBSCRIPTION_ORIGIN_SQL}
               FROM subscriptions s
              WHERE s.stripe_subscription_id LIKE 'sub\\_%' AND NOT s.cancel_due
                AND coalesce(s.status, '') NOT IN ('canceled', 'incomplete_expired')
                AND NOT EXISTS (SELECT FROM stripe_webhook_events e WHERE e.event_id = 'origin:' || s.stripe_subscription_id)
                AND s.stripe_subscription_id <> ALL($1::text[])
              ORDER BY random() LIMIT ${MAX_NAMED}`,
      values: [found.missing],
    });
    const unnamed: Unnamed[] = [];
    try {
      await forEachDue(
        async () => (found.isGivenUp ? undefined : due.pop()),
        async (one) => {
          const outcome = await name(secretKey, one);
          const { stripeSubscriptionId } = one;
          learn(stripeSubscriptionId, outcome);
          if (outcome === "named") return remember(stripeSubscriptionId);
          unnamed.push({ stripeSubscriptionId, outcome });
        },
        MAX_NAMING_MS,
      );
    } finally {
      await rememberUnnamed(unnamed);
      const { isGivenUp } = found;
      if (unnamed.length > 0)
        logger.warn(
          { subscriptions: unnamed.slice(0, MAX_LOGGED), count: unnamed.length, isGivenUp },
          isGivenUp
            ? "subscriptions stay without metadata: check that these keys belong to the account that runs them, and may change subscriptions and customers"
            : "subscriptions stay without metadata",
        );
    }
  };
}
