import pg from "pg";
import { ALONE, createBatch } from "../db/batch.ts";
import type { Database } from "../db/database.ts";
import { type IdempotencyClaim, recallAnswer } from "../db/idempotency.ts";
import { DatabaseUnavailableError } from "../errors.ts";

/** What one checkout asks of the database: members are columns of the SQL type `billing_checkout_line`. */
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
    | "voucher_ended"
    | "already_redeemed"
    | "tenant_not_yours"
    | "payment_unavailable"
    | "balance_too_large"
    | "idempotency_in_flight"
    | "idempotency_mismatch";
  /** With every order that came to be; null with a refusal. */
  answer: {
    order_id: string;
    balance_baisa: number;
    voucher: string | null;
    /** What is left to pay by card; null when nothing is. */
    card_baisa: number | null;
  } | null;
  /** False when the answer is that of an earlier checkout under the same key. */
  isNew: boolean;
}

/** `cardStepBaisa`: the smallest amount that the payment processor can ask for; null when there is none. */
export type CheckoutCall = (request: CheckoutRequest, cardStepBaisa: number | null) => Promise<CheckoutRow>;

/** What an idempotency record holds of a checkout; of a refusal, its outcome alone. */
type RememberedCheckout = Partial<NonNullable<CheckoutRow["answer"]>> & { outcome: CheckoutRow["outcome"] };

function rowOf(
  outcome: CheckoutRow["outcome"],
  answer: RememberedCheckout | null,
  isNew: boolean,
): CheckoutRow {
  const { order_id, balance_baisa = 0, voucher = null, card_baisa = null } = answer ?? {};
  return {
    outcome,
    answer: order_id === undefined ? null : { order_id, balance_baisa, voucher, card_baisa },
    isNew,
  };
}

/** What an earlier checkout under the same key was answered. Throws as `recallAnswer` does. */
export async function recallCheckout(
  database: Database,
  claim: IdempotencyClaim,
): Promise<CheckoutRow | undefined> {
  const answer = await database.transaction((transaction) =>
    recallAnswer<RememberedCheckout>(transaction, claim),
  );
  return answer && rowOf(answer.outcome, answer, false);
}

const MAX_BATCH = 50;
/** While one batch waits for its commit the next is under way; more would only queue at the same hot voucher. */
const LANES = 2;
/** Together with the lanes they leave half of the connections to everybody else, even if all of them wait for a lock. */
const ALONE_LANES = 3;
// Lock and statement timeouts: the database is slow or somebody holds a row, and each member by itself would only wait again.
const TIMED_OUT = new Set(["55P03", "57014"]);

/** Checkouts that wait together go to the database together: one call and one commit for up to fifty. */
export function createCheckoutCall(deps: {
  database: Database;
  sovereignFqdn: string;
  /** Who must hear of an order, each by its own row of the outbox. */
  outboxSinks: readonly string[];
}): CheckoutCall {
  const { database, sovereignFqdn, outboxSinks } = deps;

  const batch = createBatch<{ request: CheckoutRequest; cardStepBaisa: number | null }, CheckoutRow>({
    async run(members, isAlone) {
      const rows = await database.query<{
        line: number;
        outcome: CheckoutRow["outcome"] | "busy";
        answer: RememberedCheckout | null;
        is_new: boolean;
      }>({
        name: "checkout",
        // An answer names the transaction that it was first given in.
        text: `SELECT line, outcome, answer, coalesce(answer ->> 'transaction' = pg_current_xact_id_if_assigned()::text, false) AS is_new
                 FROM billing_checkout($1, $2, $3, $4, $5)`,
        values: [
          JSON.stringify(members.map(({ request }, line) => ({ line, ...request }))),
          sovereignFqdn,
          outboxSinks,
          // Asked and known within a second of each other: whoever came first speaks for the batch.
          members[0]?.cardStepBaisa ?? null,
          isAlone,
        ],
      });
      const results = Array<CheckoutRow | typeof ALONE>(members.length);
      for (const { line, outcome, answer, is_new } of rows) {
        results[line] = outcome === "busy" ? ALONE : rowOf(outcome, answer, is_new);
      }
      return results;
    },
    keysOf: ({ request }) => [`user ${request.user_id}`, `tenant ${request.tenant_id}`],
    isUndone,
    maxSize: MAX_BATCH,
    lanes: LANES,
    aloneLanes: ALONE_LANES,
  });
  return (request, cardStepBaisa) => batch.submit({ request, cardStepBaisa });
}

/**
 * An ERROR from the server ends the transaction; after a FATAL, or silence, it may as well have been committed. After a
 * timeout nothing is wrong with any member, so none is tried by itself.
 */
function isUndone(error: unknown): boolean {
  const cause = error instanceof DatabaseUnavailableError ? error.cause : error;
  return cause instanceof pg.DatabaseError && cause.severity === "ERROR" && !TIMED_OUT.has(cause.code ?? "");
}
