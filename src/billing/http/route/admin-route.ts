import Type from "typebox";
import { WRITTEN_UUID } from "../../db/uuid.ts";
import type { ReadMonthlyRevenue } from "../../ledger/monthly-revenue.ts";
import type { RevenueService } from "../../ledger/revenue.ts";
import type { PaymentEventReceiver } from "../../payment/event.ts";
import type { PaymentSettingsChange, PaymentSettingsService } from "../../payment/settings.ts";
import { csvAnswer, wantsCsv } from "../csv.ts";
import { json, type Operation, operation, SUPERADMIN } from "../operation.ts";
import {
  formatCursor,
  NEXT_PAGE,
  nextPageHeaders,
  pageQuery,
  parameterError,
  parseCursor,
  parseLimit,
} from "../paging.ts";
import { OrderAnswer } from "../schema/account.ts";
import { MonthlyRevenueAnswer, RevenueAnswer, SettingsAnswer, SettingsBody } from "../schema/admin.ts";

const MONTH = /^[1-9]\d{3}-(0[1-9]|1[0-2])$/;

/** Orders, revenue and payment settings for superadmins, and the payment processor's webhook. */
export function adminOperations(deps: {
  revenue: RevenueService;
  readMonth: ReadMonthlyRevenue;
  settings: PaymentSettingsService;
  receivePaymentEvent: PaymentEventReceiver;
}): Operation[] {
  const { revenue, readMonth, settings, receivePaymentEvent } = deps;
  return [
    operation({
      id: "listOrders",
      method: "get",
      path: "/billing/admin/orders",
      summary: "Orders, newest first, with the Sovereign's FQDN",
      access: SUPERADMIN,
      query: pageQuery,
      answers: { 200: Type.Array(OrderAnswer) },
      answerHeaders: NEXT_PAGE,
      async handle({ query }) {
        const limit = parseLimit(query.limit);
        const after = query.cursor === undefined ? undefined : parseCursor(query.cursor, WRITTEN_UUID);
        const { orders, next } = await revenue.orders(limit, after);
        return json(orders, 200, nextPageHeaders({ limit, cursor: next && formatCursor(next) }));
      },
    }),
    operation({
      id: "readRevenue",
      method: "get",
      path: "/billing/admin/revenue",
      summary:
        "Subscriptions and customers now; with `month`, what the month's cards, credit and vouchers moved",
      access: SUPERADMIN,
      query: {
        month: Type.String({ pattern: MONTH.source, description: "A calendar month in UTC: YYYY-MM." }),
      },
      answers: { 200: [Type.Union([RevenueAnswer, MonthlyRevenueAnswer]), "text/csv"] },
      async handle({ query, headers }) {
        const { month } = query;
        if (month === undefined) return json(await revenue.revenue());
        if (!MONTH.test(month)) throw parameterError("month", "must be a month, such as 2026-11");
        const answer = await readMonth(month);
        if (!wantsCsv(headers.accept)) return json(answer);
        return csvAnswer(`revenue-${answer.month}.csv`, [Object.keys(answer), Object.values(answer)]);
      },
    }),
    operation({
      id: "readSettings",
      method: "get",
      path: "/billing/admin/settings",
      summary: "The payment processor's keys, without the secrets",
      access: SUPERADMIN,
      answers: { 200: SettingsAnswer },
      handle: async () => json(await settings.read()),
    }),
    operation({
      id: "changeSettings",
      method: "put",
      path: "/billing/admin/settings",
      summary: "Set the payment processor's keys; absent and empty members do not change",
      access: SUPERADMIN,
      body: SettingsBody,
      answers: { 200: SettingsAnswer },
      raises: ["settings_fixed", "settings_key_missing"],
      handle: async ({ body }) => json(await settings.change(body as PaymentSettingsChange)),
    }),
    operation({
      id: "receivePaymentEvent",
      method: "post",
      path: "/billing/webhook",
      summary: "Receive an event of the payment processor, verified by its signature",
      access: "anyone",
      body: "raw",
      answers: { 200: Type.Object({ received: Type.Literal(true) }, { additionalProperties: false }) },
      raises: ["signature_invalid", "payment_unavailable"],
      async handle({ rawBody, headers }) {
        const signature = headers["stripe-signature"];
        await receivePaymentEvent(rawBody, typeof signature === "string" ? signature : undefined);
        return json({ received: true });
      },
    }),
  ];
}
