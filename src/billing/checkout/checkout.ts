import type { Caller } from "../auth/token.ts";
import type { Database } from "../db/database.ts";
import { type IdempotencyClaim, inFlight, mismatch, removeOrderAnswer } from "../db/idempotency.ts";
import { CheckoutError, PaymentError, TenantError, VoucherError } from "../errors.ts";
import type { CountPlacedOrder } from "../metric.ts";
import { describeAmount } from "../payment/currency.ts";
import { requireCanceled } from "../payment/order-closing.ts";
import { type CardAmounts, type OrderPayment, PageEndedError } from "../payment/order-payment.ts";
import type { TenantDirectory } from "../tenant/directory.ts";
import { resolveKey } from "../voucher/resolve.ts";
import { type CheckoutCall, type CheckoutRequest, type CheckoutRow, findStoredCheckout } from "./call.ts";
import { type CatalogSource, priceOrder } from "./catalog.ts";

interface CheckoutOrder {
  planId: string;
  apps: string[];
  addons: string[];
  tenantId: string;
  /** Blank: no voucher. */
  voucherCode: string;
}

interface CheckoutResult {
  orderId: string;
  /** The customer's credit after this order. */
  balanceBaisa: number;
  /** The address where the customer pays the rest. Absent when credit covers the order, which is placed then. */
  sessionUrl?: string;
}

/**
 * The largest number of unpaid orders that one checkout replaces. The earlier service created one at each attempt, and
 * other tabs may order at the same time.
 */
const MAX_REPLACED = 20;
/**
 * If Stripe accepts no amount as small as the rest of an order, the card pays this many times more and the credit less. An
 * account that is paid out in another currency has the minimum of that currency, and no table knows the rate.
 */
const RAISE = 4;
/**
 * Enough to raise the smallest card payment to any published minimum: 4 to the power of 14 is 268 million. Each try asks
 * Stripe, so `MAX_ASKING_MS` ends the tries when Stripe is slow.
 */
const MAX_TRIES = 16;
/**
 * After this time, a checkout cancels no further order and makes no further try. What it has begun by then may last longer, by
 * the limits of the processor's requests.
 */
const MAX_ASKING_MS = 30_000;
/** The type of `p_card_min`. */
const MAX_MINIMUM_BAISA = 2_147_483_647;

/**
 * Places an order. If the same order already waits for its payment, returns that order. Otherwise it ends an unpaid order for
 * the same tenant or with the same voucher first; if it is refused after that, the customer has neither. A refused checkout
 * spends no credit and no voucher. Throws the coded errors of docs/errors.md.
 */
export type Checkout = (
  caller: Caller,
  order: CheckoutOrder,
  claim: IdempotencyClaim | undefined,
) => Promise<CheckoutResult>;

/** One checkout with its price. */
interface PricedOrder {
  caller: Caller;
  order: CheckoutOrder;
  claim: IdempotencyClaim | undefined;
  totalBaisa: number;
  /** The processor is asked for nothing more after this time. */
  asksUntil: Date;
}

export function createCheckout(deps: {
  database: Database;
  catalog: CatalogSource;
  call: CheckoutCall;
  tenants: TenantDirectory | undefined;
  payment: OrderPayment;
  /** ISO 4217. */
  currency: string;
  countPlacedOrder: CountPlacedOrder;
  now: () => Date;
}): Checkout {
  const { database, catalog, call, tenants, payment, currency, countPlacedOrder, now } = deps;

  function requireTime(asksUntil: Date): void {
    if (now() >= asksUntil) throw tooSlow();
  }

  /** Calls until no unpaid order of the customer blocks this one. */
  async function callUntilFree(
    request: CheckoutRequest,
    card: CardAmounts | null,
    asksUntil: Date,
  ): Promise<CheckoutRow> {
    for (let attempt = 0; attempt < MAX_REPLACED; attempt += 1) {
      const row = await call(request, card);
      if (row.outcome !== "held" || row.heldOrderId === undefined) return row;
      requireTime(asksUntil);
      requireCanceled(await payment.cancel(row.heldOrderId), row.heldOrderId);
    }
    throw tooManyUnpaid();
  }

  async function place(
    { caller, order, claim, totalBaisa, asksUntil }: PricedOrder,
    card: CardAmounts | null,
  ): Promise<CheckoutRow> {
    const request: CheckoutRequest = {
      user_id: caller.userId,
      email: caller.email,
      tenant_id: order.tenantId,
      tenant_member: false,
      plan_id: order.planId,
      apps: order.apps,
      addons: order.addons,
      total_baisa: totalBaisa,
      voucher_key: (await resolveKey(database, order.voucherCode)) || null,
      idempotency_key: claim?.key ?? null,
      request_hash: claim?.requestHash ?? null,
    };
    const row = await callUntilFree(request, card, asksUntil);
    return row.outcome === "tenant_not_yours" && (await tenants?.isMember(order.tenantId, caller.userId))
      ? callUntilFree({ ...request, tenant_member: true }, card, asksUntil)
      : row;
  }

  async function resultOf(row: CheckoutRow, planId: string): Promise<CheckoutResult> {
    if (row.answer === null) throw refusalOf(row, currency);
    const { order_id: orderId, balance_baisa, voucher, card_baisa } = row.answer;
    if (row.outcome === "placed" && row.isNew) countPlacedOrder(voucher !== null);
    const placed = { orderId, balanceBaisa: balance_baisa };
    if (card_baisa === null) return placed;
    const { isNew } = row;
    const sessionUrl = await payment.open({ orderId, cardBaisa: card_baisa, planId, isNew });
    return { ...placed, sessionUrl };
  }

  /** Cancels an order whose payment page has ended, so that the same order can be placed again. */
  async function cancelEnded(orderId: string, claim: IdempotencyClaim | undefined): Promise<void> {
    // Removed first: after a crash in between, the same key finds the order that waits, and not one that has ended.
    if (claim !== undefined) await removeOrderAnswer(database, claim, orderId);
    requireCanceled(await payment.cancel(orderId), orderId);
  }

  /** Places the order again when its page has ended, or when Stripe accepts only more money by card. */
  async function placeAtPrice(
    priced: PricedOrder,
    card: CardAmounts | null,
    triesLeft = MAX_TRIES,
  ): Promise<CheckoutResult> {
    const row = await place(priced, card);
    try {
      return await resultOf(row, priced.order.planId);
    } catch (error) {
      const again = (amounts: CardAmounts | null) => {
        requireTime(priced.asksUntil);
        return placeAtPrice(priced, amounts, triesLeft - 1);
      };
      if (triesLeft === 1 || row.answer === null) throw error;
      const { order_id, card_baisa } = row.answer;
      if (error instanceof PageEndedError) {
        await cancelEnded(order_id, priced.claim);
        return again(card);
      }
      if (isTooSmall(error) && card !== null && card_baisa !== null)
        return again({ ...card, minimumBaisa: raisedMinimum(card_baisa, priced.totalBaisa) });
      throw error;
    }
  }

  return async (caller, order, claim) => {
    const asksUntil = new Date(now().getTime() + MAX_ASKING_MS);
    // Prices and payment settings are read before the database call, so that it does not hold its locks meanwhile.
    const priced = await Promise.all([
      catalog(order.apps.length > 0).then((prices) => priceOrder(prices, order)),
      payment.cardAmounts(),
    ]).catch(async (error: unknown) => {
      // An earlier answer with the same key stays valid, even when the catalog fails now.
      const before = claim && (await findStoredCheckout(database, claim));
      if (before === undefined) throw error;
      return before;
    });
    if (!Array.isArray(priced)) return resultOf(priced, order.planId);
    const [totalBaisa, card] = priced;
    return placeAtPrice({ caller, order, claim, totalBaisa, asksUntil }, card);
  };
}

const isTooSmall = (error: unknown): boolean =>
  error instanceof CheckoutError && error.code === "card_amount_too_small";

/** If the card would pay the whole order already, the minimum is above its price. `billing_checkout` then names the missing credit. */
function raisedMinimum(cardBaisa: number, totalBaisa: number): number {
  const raised = cardBaisa >= totalBaisa ? totalBaisa + 1 : Math.min(cardBaisa * RAISE, totalBaisa);
  return Math.min(raised, MAX_MINIMUM_BAISA);
}

const tooSlow = () =>
  new PaymentError(
    "payment_unavailable",
    "the payment processor is too slow now, nothing was charged and no voucher was used: try again in a moment",
  );

const tooManyUnpaid = () =>
  new CheckoutError(
    "orders_unpaid",
    `${MAX_REPLACED} unpaid orders were canceled for this one, and another one is still open: cancel it (POST /billing/orders/{orderId}/cancel), or order again`,
  );

/** Completes the message of a refusal for lack of credit, when an unpaid order reserves some credit. */
const orCancel = (heldOrderId: string | undefined): string =>
  heldOrderId === undefined
    ? ""
    : `. Your unpaid order ${heldOrderId} reserves credit: cancel it (POST /billing/orders/${heldOrderId}/cancel) to release that credit`;

function refusalOf({ outcome, missingBaisa, heldOrderId }: CheckoutRow, currency: string): Error {
  switch (outcome) {
    case "voucher_not_found":
      return new VoucherError(
        "voucher_not_found",
        "no live voucher has the code in promo_code: check the code, or leave it out",
      );
    case "voucher_not_started":
      return new VoucherError(
        "voucher_not_started",
        "this voucher cannot be redeemed yet: order when it begins, leave promo_code out, or use another voucher",
      );
    case "voucher_ended":
      return new VoucherError(
        "voucher_ended",
        "this voucher takes no more redemptions: leave promo_code out, or use another voucher",
      );
    case "already_redeemed":
      return new CheckoutError(
        "already_redeemed",
        "you have already redeemed this voucher, and its credit is on your account: leave promo_code out",
      );
    case "tenant_not_yours":
      return new TenantError(
        "tenant_not_yours",
        "tenant_id belongs to another customer: order for a tenant of your own",
      );
    case "payment_unavailable":
      return new PaymentError(
        "payment_unavailable",
        `the credit does not cover the order, and this Sovereign does not accept card payments: redeem a voucher or choose a smaller plan${orCancel(heldOrderId)}`,
      );
    case "balance_too_large":
      return new CheckoutError(
        "balance_too_large",
        "the balance would exceed the largest amount that can be stored exactly: spend some credit first",
      );
    case "card_amount_too_small":
      return new CheckoutError(
        "card_amount_too_small",
        `the order costs less than the smallest card payment, and credit of ${describeAmount(missingBaisa ?? 0, currency)} is missing: redeem a voucher, or order more${orCancel(heldOrderId)}`,
      );
    case "held":
      return tooManyUnpaid();
    case "idempotency_in_flight":
      return inFlight();
    case "idempotency_mismatch":
      return mismatch();
    case "placed":
    case "pending":
      return new Error("billing_checkout placed an order without returning its id");
  }
}
