import type { Logger } from "../../platform/log.ts";
import type { Database } from "../db/database.ts";
import type { ChargeOrigin } from "./charge-metadata.ts";
import { type DueLoop, MAX_DUE, MAX_NAMING_MS } from "./due-loop.ts";
import { type PaymentProcessor, refusedOrThrow } from "./processor.ts";
import type { PaymentSettingsService } from "./settings.ts";

/**
 * Writes the origin of charges into the metadata of Stripe's customers who paid. Stripe creates a customer with the first
 * session, and accepts no metadata for the customer there.
 */
export function createOriginNaming(deps: {
  database: Database;
  settings: PaymentSettingsService;
  processor: PaymentProcessor;
  sovereignFqdn: string;
  forEachDue: DueLoop;
  logger: Logger;
}): () => Promise<void> {
  const { database, settings, processor, sovereignFqdn, forEachDue, logger } = deps;

  type Due = Omit<ChargeOrigin, "sovereign"> & { stripeCustomerId: string };

  async function name(secretKey: string, { stripeCustomerId, ...order }: Due): Promise<void> {
    const origin = { sovereign: sovereignFqdn, ...order };
    const named = await processor.nameOrigin(secretKey, stripeCustomerId, origin).catch(refusedOrThrow);
    if (named !== "named")
      logger.warn(
        { stripeCustomerId, orderId: order.orderId, outcome: named },
        "the payment processor does not accept metadata for this customer: it stays without",
      );
    // If a newer order was paid meanwhile, its origin still has to be written.
    await database.query({
      name: "sweep-origin-named",
      text: `UPDATE orders o SET stripe_customer_due = NULL FROM orders named
              WHERE named.id = $1 AND o.stripe_customer_due = $2 AND (o.id = $1 OR o.created_at <= named.created_at)`,
      values: [order.orderId, stripeCustomerId],
    });
  }

  return async () => {
    const { secretKey } = await settings.keys();
    if (secretKey === "") return;
    // Each customer gets the origin of its latest order. Customers are taken in random order, so that those who always fail
    // do not block the others.
    const due = await database.query<Due>({
      name: "sweep-origin-due",
      text: `SELECT * FROM (
               SELECT DISTINCT ON (stripe_customer_due) id AS "orderId", tenant_id AS "tenantId", plan_id AS "planId",
                      stripe_customer_due AS "stripeCustomerId"
                 FROM orders WHERE stripe_customer_due IS NOT NULL
                ORDER BY stripe_customer_due, created_at DESC NULLS LAST, id DESC) AS latest
              ORDER BY random() LIMIT ${MAX_DUE}`,
    });
    await forEachDue(
      async () => due.pop(),
      (one) => name(secretKey, one),
      MAX_NAMING_MS,
    );
  };
}
