import Type from "typebox";
import type { AccountService } from "../../ledger/account.ts";
import type { OrderPayment } from "../../payment/order-payment.ts";
import { json, type Operation, operation } from "../operation.ts";
import { BalanceAnswer, InvoiceAnswer, SubscriptionAnswer } from "../schema/account.ts";

/**
 * A signed-in customer's own balance, subscriptions and invoices. Clients of the earlier service do not list orders. After
 * the payment page, they read the balance and the subscription, so both reads settle the order first.
 */
export function accountOperations(deps: { accounts: AccountService; payment: OrderPayment }): Operation[] {
  const { accounts, payment } = deps;
  return [
    operation({
      id: "readBalance",
      method: "get",
      path: "/billing/balance",
      summary: "The caller's credit and latest ledger entries",
      access: "user",
      answers: { 200: BalanceAnswer },
      async handle({ caller }) {
        await payment.settleReturned(caller.userId);
        return json(await accounts.balance(caller));
      },
    }),
    operation({
      id: "readSubscription",
      method: "get",
      path: "/billing/subscription/{tenantId}",
      summary: "The subscription of the caller's own tenant",
      access: "user",
      answers: { 200: SubscriptionAnswer },
      raises: ["tenant_not_found", "tenant_service_unavailable"],
      async handle({ caller, params }) {
        await payment.settleReturned(caller.userId);
        return json(await accounts.subscription(caller, params.tenantId ?? ""));
      },
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
      summary: "Open a session of the payment processor's customer portal",
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
        await accounts.requirePaymentAccount(caller, tenantId);
        return json({ url: await payment.openPortal(tenantId) });
      },
    }),
  ];
}
