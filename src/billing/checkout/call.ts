import pg from "pg";
import { ALONE, createBatch } from "../db/batch.ts";
import type { Database } from "../db/database.ts";
import { findStoredAnswer, type IdempotencyClaim } from "../db/idempotency.ts";
import { DatabaseUnavailableError } from "../errors.ts";
import type { CardAmounts } from "../payment/order-payment.ts";

/** One checkout as the database receives it. The members are the columns of the SQL type `billing_checkout_line`. */
export interface CheckoutRequest {
  user_id: string;
  email: string;
  tenant_id: string;
  tenant_member: boolean;
  plan_id: string;
  apps: string[];
  addons: string[];
  total_baisa: number;
  voucher_key: string | null;
  idempotency_key: string | null;
  request_hash: string | null;
}

export interface CheckoutRow {
  outcome:
    | "placed"
    | "pending"
    | "voucher_not_found"
    | "voucher_not_started"
    | "voucher_ended"
    | "already_redeemed"
    | "tenant_not_yours"
    | "payment_unavailable"
    | "balance_too_large"
    | "card_amount_too_small"
    /** An unpaid order of the customer blocks this one. */
    | "held"
    | "idempotency_in_flight"
    | "idempotency_mismatch";
  /** Null when the checkout was refused. */
  answer: {
    order_id: string;
    balance_baisa: number;
    voucher: string | null;
    /** The amount left to pay by card. Null when credit covers the order. */
    card_baisa: number | null;
  } | null;
  /** False when this is the answer of an earlier checkout with the same key. */
  isNew: boolean;
  /**
   * With `held`: the order that blocks this one. When credit does not cover the order: an unpaid order that reserves
   * credit.
   */
  heldOrderId?: string;
  /** With `card_amount_too_small`: the credit that is missing to pay without a card. */
  missingBaisa?: number;
}

/** `card` is null when no payment processor is configured. */
export type CheckoutCall = (request: CheckoutRequest, card: CardAmounts | null) => Promise<CheckoutRow>;

/** A checkout in an idempotency record. Of a refusal, only the outcome is stored. */
type StoredCheckout = Partial<NonNullable<CheckoutRow["answer"]>> & { outcome: CheckoutRow["outcome"] };

/** The members that the database returns with a refusal. */
interface Refusal {
  held_order_id?: string | null;
  missing_baisa?: number | null;
}

function rowOf(
  outcome: CheckoutRow["outcome"],
  answer: (StoredCheckout & Refusal) | null,
  isNew: boolean,
): CheckoutRow {
  const { order_id, balance_baisa = 0, voucher = null, card_baisa = null } = answer ?? {};
  if (order_id !== undefined)
    return { outcome, answer: { order_id, balance_baisa, voucher, card_baisa }, isNew };
  const { held_order_id, missing_baisa } = answer ?? {};
  return {
    ...{ outcome, answer: null, isNew },
    ...(held_order_id == null ? {} : { heldOrderId: held_order_id }),
    ...(missing_baisa == null ? {} : { missingBaisa: missing_baisa }),
  };
}

/** The answer of an earlier checkout with the same key. Throws as `findStoredAnswer` does. */
export async function findStoredCheckout(
  database: Database,
  claim: IdempotencyClaim,
): Promise<CheckoutRow | undefined> {
  const answer = await database.transaction((transaction) =>
    findStoredAnswer<StoredCheckout>(transaction, claim),
  );
  return answer && rowOf(answer.outcome, answer, false);
}

const MAX_BATCH = 64;
/** While one call commits or the process prepares the next one, the other works. */
const CONCURRENCY = 2;
/**
 * A second call starts beside a running one only when many checkouts wait, or when the running one seems to wait for a
 * lock. 50 ms is longer than a call takes, and much shorter than a wait for a lock may be. One large call costs less than
 * two small ones, but two use two cores. With 64 clients on one hot voucher, sizes from 16 to 48 gave the same rate within
 * the noise of the machine.
 */
const BESIDE = { size: 24, afterMs: 50 };
/** With `CONCURRENCY`, these leave half of the connections to other requests, even when all of them wait for a lock. */
const ALONE_CONCURRENCY = 3;
// Lock and statement timeouts. The database is slow or a row is locked, so each member alone would only wait again.
const TIMED_OUT = new Set(["55P03", "57014"]);

/** Checkouts that wait at the same time share one call and one commit, up to 64 of them. */
export function createCheckoutCall(deps: {
  database: Database;
  sovereignFqdn: string;
  /** The sinks of an order's event. Each gets its own row in the outbox. */
  outboxSinks: readonly string[];
}): CheckoutCall {
  const { database, sovereignFqdn, outboxSinks } = deps;

  const batch = createBatch<{ request: CheckoutRequest; card: CardAmounts | null }, CheckoutRow>({
    async run(members, isAlone) {
      // One call has one set of card amounts. A member with others (its minimum was raised) runs alone.
      const card = members[0]?.card;
      const isSame = (other: CardAmounts | null) =>
        other?.stepBaisa === card?.stepBaisa && other?.minimumBaisa === card?.minimumBaisa;
      const rows = await database.query<{
        line: number;
        outcome: CheckoutRow["outcome"] | "busy";
        answer: (StoredCheckout & Refusal) | null;
        is_new: boolean;
      }>({
        name: "checkout",
        // An answer contains the id of the transaction that first gave it.
        text: `SELECT line, outcome, answer, coalesce(answer ->> 'transaction' = pg_current_xact_id_if_assigned()::text, false) AS is_new
                 FROM billing_checkout($1, $2, $3, $4, $5, $6)`,
        values: [
          JSON.stringify(
            members.flatMap((member, line) => (isSame(member.card) ? [{ line, ...member.request }] : [])),
          ),
          sovereignFqdn,
          outboxSinks,
          card?.stepBaisa ?? null,
          isAlone,
          card?.minimumBaisa ?? 0,
        ],
      });
      const results = Array<CheckoutRow | typeof ALONE>(members.length);
      for (const [line, member] of members.entries()) if (!isSame(member.card)) results[line] = ALONE;
      for (const { line, outcome, answer, is_new } of rows) {
        results[line] = outcome === "busy" ? ALONE : rowOf(outcome, answer, is_new);
      }
      return results;
    },
    keysOf: ({ request }) => [`user ${request.user_id}`, `tenant ${request.tenant_id}`],
    isUndone,
    maxSize: MAX_BATCH,
    concurrency: CONCURRENCY,
    beside: BESIDE,
    aloneConcurrency: ALONE_CONCURRENCY,
  });
  return (request, card) => batch.submit({ request, card });
}

/**
 * Whether the batch certainly had no effect, so that its members may be tried one by one. After an ERROR, the server has
 * rolled the transaction back. After a FATAL or without an answer, the transaction may be committed. A timeout is no
 * member's fault, so its members are not tried alone.
 */
function isUndone(error: unknown): boolean {
  const cause = error instanceof DatabaseUnavailableError ? error.cause : error;
  return cause instanceof pg.DatabaseError && cause.severity === "ERROR" && !TIMED_OUT.has(cause.code ?? "");
}
