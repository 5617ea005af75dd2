import type { Checkout } from "../../checkout/checkout.ts";
import { claimOf } from "../../db/idempotency.ts";
import { omrOfBaisa } from "../../voucher/voucher.ts";
import { json, type Operation, operation } from "../operation.ts";
import { CheckoutAnswer, CheckoutBody } from "../schema/checkout.ts";

const CHECKOUT_PATH = "/billing/checkout";

export function checkoutOperation({ checkout }: { checkout: Checkout }): Operation {
  return operation({
    id: "checkout",
    method: "post",
    path: CHECKOUT_PATH,
    summary: "Order a plan; a voucher is redeemed only here",
    access: "user",
    body: CheckoutBody,
    takesIdempotencyKey: true,
    answers: { 200: CheckoutAnswer },
    raises: [
      "voucher_not_found",
      "voucher_not_started",
      "voucher_ended",
      "already_redeemed",
      "plan_unknown",
      "app_unknown",
      "addon_unknown",
      "total_too_large",
      "balance_too_large",
      "card_amount_too_small",
      "order_expired",
      "order_paid",
      "order_processing",
      "orders_unpaid",
      "tenant_not_yours",
      "catalog_unavailable",
      "tenant_service_unavailable",
      "payment_unavailable",
      "payment_refused",
    ],
    async handle({ body, caller, idempotencyKey }) {
      const order = {
        planId: body.plan_id,
        apps: (body.apps as string[] | null | undefined) ?? [],
        addons: (body.addons as string[] | null | undefined) ?? [],
        tenantId: body.tenant_id,
        voucherCode: (body.promo_code as string | null | undefined) ?? "",
      };
      const placed = await checkout(
        caller,
        order,
        claimOf(caller.userId, idempotencyKey, ["POST", CHECKOUT_PATH, body]),
      );
      return json({
        order_id: placed.orderId,
        ...(placed.sessionUrl === undefined ? { paid_by_credit: true } : { session_url: placed.sessionUrl }),
        credit_balance: omrOfBaisa(placed.balanceBaisa),
        credit_balance_baisa: placed.balanceBaisa,
      });
    },
  });
}
