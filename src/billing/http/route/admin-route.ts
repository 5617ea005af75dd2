import Type from "typebox";
import type { OrderPosition } from "../../order-list.ts";
import type { PaymentEventReceiver } from "../../payment/event.ts";
import type { PaymentSettingsChange, PaymentSettingsService } from "../../payment/settings.ts";
import type { RevenueService } from "../../revenue.ts";
import { json, type Operation, operation, SUPERADMIN } from "../operation.ts";
import { cursorError, linkOf, NEXT_PAGE, pageQuery, parseLimit } from "../paging.ts";
import { OrderAnswer, RevenueAnswer, SettingsAnswer, SettingsBody } from "../schema.ts";

const ORDERS_PATH = "/billing/admin/orders";

/** What the platform's own administrators read and set, and what the payment processor tells us. */
export function adminOperations(deps: {
  revenue: RevenueService;
  settings: PaymentSettingsService;
  receivePaymentEvent: PaymentEventReceiver;
}): Operation[] {
  const { revenue, settings, receivePaymentEvent } = deps;
  return [
    operation({
      id: "listOrders",
      method: "get",
      path: ORDERS_PATH,
      summary: "Orders, newest first, each with the Sovereign's FQDN",
      access: SUPERADMIN,
      query: pageQuery,
      answers: { 200: Type.Array(OrderAnswer) },
      answerHeaders: NEXT_PAGE,
      async handle({ query }) {
        const limit = parseLimit(query.limit);
        const after = query.cursor === undefined ? undefined : parsePosition(query.cursor);
        const { orders, next } = await revenue.orders(limit, after);
        const link = next && linkOf(ORDERS_PATH, { limit, cursor: formatPosition(next) });
        return json(orders, 200, link === undefined ? {} : { Link: link });
      },
    }),
    operation({
      id: "readRevenue",
      method: "get",
      path: "/billing/admin/revenue",
      summary: "Recurring revenue and customers, with the Sovereign's FQDN",
      access: SUPERADMIN,
      answers: { 200: RevenueAnswer },
      handle: async () => json(await revenue.revenue()),
    }),
    operation({
      id: "readSettings",
      method: "get",
      path: "/billing/admin/settings",
      summary: "The payment processor's keys, masked",
      access: SUPERADMIN,
      answers: { 200: SettingsAnswer },
      handle: async () => json(await settings.read()),
    }),
    operation({
      id: "changeSettings",
      method: "put",
      path: "/billing/admin/settings",
      summary: "Set the payment processor's keys; what is absent or empty stays",
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
      summary: "Events of the payment processor, by its signature",
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

const UNDATED = "undated";
// A moment in microseconds, no further than PostgreSQL's own time reaches.
const POSITION = /^(undated|-?\d{1,17})_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

const formatPosition = ({ createdMicros, orderId }: OrderPosition) =>
  `${createdMicros ?? UNDATED}_${orderId}`;

function parsePosition(cursor: string): OrderPosition {
  const [, createdMicros, orderId] = POSITION.exec(cursor) ?? [];
  if (createdMicros === undefined || orderId === undefined) throw cursorError();
  return { createdMicros: createdMicros === UNDATED ? null : createdMicros, orderId };
}
