import pg from "pg";
import { type CatalogSource, priceOrder } from "./catalog.ts";
import type { Database } from "./db/database.ts";
import { CheckoutError, VoucherError } from "./errors.ts";
import { type IdempotencyClaim, inFlight, mismatch } from "./idempotency.ts";
import type { TenantDirectory } from "./tenant-directory.ts";
import type { Caller } from "./token.ts";
import { voucherKey } from "./voucher.ts";

export interface CheckoutOrder {
  planId: string;
  apps: string[];
  addons: string[];
  tenantId: string;
  /** Blank means none. */
  voucherCode: string;
}

export interface PlacedOrder {
  orderId: string;
  /** The customer's credit after this order. */
  balanceBaisa: number;
  /** Whether it redeemed a voucher. */
  redeemed: boolean;
}

/**
 * Places an order, in one database call. Throws the coded errors of contract §4; none of them has consumed anything.
 */
export type Checkout = (
  caller: Caller,
  order: CheckoutOrder,
  claim: IdempotencyClaim | undefined,
) => Promise<PlacedOrder>;

type Outcome =
  | "placed"
  | "voucher_not_found"
  | "voucher_ended"
  | "already_redeemed"
  | "tenant_not_yours"
  | "idempotency_in_flight"
  | "idempotency_mismatch";

// Raised by billing_checkout, so that what it had written goes away with the transaction.
const CREDIT_TOO_SMALL = "CB001";
const BALANCE_TOO_LARGE = "CB002";

export function createCheckout(deps: {
  database: Database;
  catalog: CatalogSource;
  tenants: TenantDirectory | undefined;
  sovereignFqdn: string;
  /** Who must hear of an order, each by its own row of the outbox. */
  outboxSinks: readonly string[];
}): Checkout {
  const { database, catalog, tenants, sovereignFqdn, outboxSinks } = deps;

  async function place(
    caller: Caller,
    order: CheckoutOrder,
    totalBaisa: number,
    isMember: boolean,
    claim: IdempotencyClaim | undefined,
  ) {
    try {
      const [row] = await database.query<{
        outcome: Outcome;
        answer: { order_id: string; balance_baisa: number; voucher: string | null } | null;
      }>({
        name: "checkout",
        text: "SELECT outcome, answer FROM billing_checkout($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        values: [
          caller.userId,
          caller.email,
          order.tenantId,
          isMember,
          order.planId,
          JSON.stringify(order.apps),
          JSON.stringify(order.addons),
          totalBaisa,
          voucherKey(order.voucherCode) || null,
          sovereignFqdn,
          outboxSinks,
          claim?.key ?? null,
          claim?.requestHash ?? null,
        ],
      });
      if (row === undefined) throw new Error("billing_checkout returned no row");
      return row;
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === CREDIT_TOO_SMALL) {
        throw new CheckoutError(
          "payment_unavailable",
          "the credit does not cover the order and this Sovereign takes no card payments yet: redeem a voucher or choose a smaller plan",
          { cause: error },
        );
      }
      if (error instanceof pg.DatabaseError && error.code === BALANCE_TOO_LARGE) {
        throw new CheckoutError(
          "balance_too_large",
          "the balance would exceed the largest exact amount: spend some credit first",
          {
            cause: error,
          },
        );
      }
      throw error;
    }
  }

  return async (caller, order, claim) => {
    const totalBaisa = priceOrder(await catalog(), order);
    let row = await place(caller, order, totalBaisa, false, claim);
    if (row.outcome === "tenant_not_yours" && (await tenants?.isMember(order.tenantId, caller.userId))) {
      row = await place(caller, order, totalBaisa, true, claim);
    }
    if (row.outcome === "placed" && row.answer !== null) {
      return {
        orderId: row.answer.order_id,
        balanceBaisa: row.answer.balance_baisa,
        redeemed: row.answer.voucher !== null,
      };
    }
    throw refusalOf(row.outcome);
  };
}

function refusalOf(outcome: Outcome): Error {
  switch (outcome) {
    case "voucher_not_found":
      return new VoucherError(
        "voucher_not_found",
        "no live voucher has the code in promo_code: check the code or leave it out",
      );
    case "voucher_ended":
      return new VoucherError(
        "voucher_ended",
        "this voucher takes no more redemptions: leave promo_code out or use another",
      );
    case "already_redeemed":
      return new CheckoutError(
        "already_redeemed",
        "you have redeemed this voucher before: leave promo_code out, its credit is yours",
      );
    case "tenant_not_yours":
      return new CheckoutError(
        "tenant_not_yours",
        "tenant_id belongs to another customer: order for a tenant of your own",
      );
    case "idempotency_in_flight":
      return inFlight();
    case "idempotency_mismatch":
      return mismatch();
    case "placed":
      return new Error("billing_checkout placed an order and did not say which");
  }
}
