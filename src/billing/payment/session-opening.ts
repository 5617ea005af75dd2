import { type Database, theRow } from "../db/database.ts";
import { CheckoutError } from "../errors.ts";
import { describeAmount } from "./currency.ts";
import type { PaymentProcessor, Session } from "./processor.ts";
import {
  desiredSessionRequest,
  repairedSessionRequest,
  type SessionOrder,
  type SessionPlace,
  type SessionRepair,
  type SessionRequest,
} from "./session-request.ts";

/**
 * Opens the session of an order. The same order always gets the same session, even when settings have changed since the
 * first request.
 */
export type SessionOpening = (secretKey: string, order: SessionOrder) => Promise<Session>;

export function createSessionOpening(deps: {
  database: Database;
  processor: PaymentProcessor;
  place: SessionPlace;
}): SessionOpening {
  const { database, processor, place } = deps;

  /**
   * Stores the request in place of `before`, and returns the stored one: that of another process if it was faster. Undefined
   * as `before`: nothing is stored yet.
   */
  async function store(
    orderId: string,
    request: SessionRequest,
    before: SessionRequest | undefined,
  ): Promise<SessionRequest> {
    const rows = await database.query<{ request: SessionRequest }>({
      name: "order-session-request",
      text: `UPDATE orders
                SET session_request = CASE WHEN session_request ->> 'key' IS NOT DISTINCT FROM $3 THEN $2::jsonb ELSE session_request END
              WHERE id = $1 RETURNING session_request AS request`,
      values: [orderId, JSON.stringify(request), before?.key ?? null],
    });
    return theRow(rows).request;
  }

  async function repair(
    order: SessionOrder,
    request: SessionRequest,
    part: SessionRepair,
  ): Promise<SessionRequest | undefined> {
    const repaired = repairedSessionRequest(request, part, order.email);
    if (repaired === undefined) return undefined;
    if (request.parameters.customer !== undefined && part === "customer")
      await removeAccount(database, request.parameters.customer);
    return store(order.orderId, repaired, request);
  }

  return async (secretKey, order) => {
    let request = await store(order.orderId, desiredSessionRequest(order, place), undefined);
    // The loop ends, because each repair removes a part of the request.
    for (;;) {
      const created = await processor.createSession(secretKey, request);
      switch (created.kind) {
        case "created":
          return created.session;
        case "too-small": {
          const missing = describeAmount(order.amountBaisa, place.currency);
          throw new CheckoutError(
            "card_amount_too_small",
            `the card would pay ${missing}, which is less than the payment processor accepts: credit of ${missing} is missing to pay without a card`,
          );
        }
        case "repairable": {
          const repaired = await repair(order, request, created.repair);
          if (repaired === undefined) throw created.refusal;
          request = repaired;
        }
      }
    }
  };
}

/** Removes the id of an account that the processor no longer has: the customer's next session creates another account. */
export async function removeAccount(database: Database, stripeCustomerId: string): Promise<void> {
  await database.query({
    name: "payment-account-remove",
    text: "UPDATE customers SET stripe_customer_id = NULL WHERE stripe_customer_id = $1",
    values: [stripeCustomerId],
  });
}
