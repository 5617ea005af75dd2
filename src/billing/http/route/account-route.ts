import Type from "typebox";
import type { Checkout } from "../../checkout/checkout.ts";
import { claimOf } from "../../db/idempotency.ts";
import type { AccountService } from "../../ledger/account.ts";
import type { OrderPayment } from "../../payment/order-payment.ts";
import { omrOfBaisa } from "../../voucher/voucher.ts";
import { json, type Operation, operation } from "../operation.ts";
import { BalanceAnswer, InvoiceAnswer, SubscriptionAnswer } from "../schema/account.ts";
import { CheckoutAnswer, CheckoutBody } from "../schema/checkout.ts";

const CHECKOUT_PATH = "/billing/checkout";

/** What a signed-in customer does with their own money. */
export function accountOperations(deps: {
  checkout: Checkout;
  accounts: AccountService;
  payment: OrderPayment;
}): Operation[] {
  const { checkout, accounts, payment } = deps;
  return [
    operation({
      id: "checkout",
      method: "post",
      path: CHECKOUT_PATH,
      summary: "Order a plan; the only place where a voucher is redeemed",
      access: "user",
      body: CheckoutBody,
      takesIdempotencyKey: true,
      answers: { 200: CheckoutAnswer },
      raises: [
        "voucher_not_found",
        "voucher_ended",
        "already_redeemed",
        "plan_unknown",
        "app_unknown",
        "addon_unknown",
        "total_too_large",
        "balance_too_large",
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
          ...(placed.sessionUrl === undefined
            ? { paid_by_credit: true }
            : { session_url: placed.sessionUrl }),
          credit_balance: omrOfBaisa(placed.balanceBaisa),
          credit_balance_baisa: placed.balanceBaisa,
        });
      },
    }),
    operation({
      id: "readBalance",
      method: "get",
      path: "/billing/balance",
      summary: "The caller's credit and latest ledger entries",
      access: "user",
      answers: { 200: BalanceAnswer },
      handle: async ({ caller }) => json(await accounts.balance(caller)),
    }),
    operation({
      id: "readSubscription",
      method: "get",
      path: "/billing/subscription/{tenantId}",
      summary: "The subscription of the caller's own tenant",
      access: "user",
      answers: { 200: SubscriptionAnswer },
      raises: ["tenant_not_found", "tenant_service_unavailable"],
      handle: async ({ caller, params }) => json(await accounts.subscription(caller, params.tenantId ?? "")),
    }),
    operation({
      id: "listInvoices",
      method: "get",
      path: "/billing/invoices/{tenantId}",
      summary: "The invoices of the caller's own tenant",
      access: "user",
      answers: { 200: Type.Array(InvoiceAnswer) },
      raises: ["tenant_not_found", "tenant_service_unavailable"],
      handle: async ({ caller, params }) => json(await accounts.invoices(caller, params.tenantId ?? "")),
    }),
    operation({
      id: "openPortal",
      method: "post",
      path: "/billing/portal/{tenantId}",
      summary: "A session of the payment processor's customer portal",
      access: "user",
      answers: { 200: Type.Object({ url: Type.String() }, { additionalProperties: false }) },
      raises: [
        "tenant_not_found",
        "tenant_service_unavailable",
        "payment_account_missing",
        "payment_unavailable",
        "payment_refused",
      ],
      async handle({ caller, params }) {
        const tenantId = params.tenantId ?? "";
        await accounts.requireTenant(caller, tenantId);
        return json({ url: await payment.openPortal(tenantId) });
      },
    }),
  ];
}
