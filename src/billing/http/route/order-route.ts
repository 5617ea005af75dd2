import Type from "typebox";
import type { Checkout } from "../../checkout/checkout.ts";
import type { OwnOrders } from "../../checkout/own-order.ts";
import { WRITTEN_UUID } from "../../db/uuid.ts";
import { json, type Operation, operation } from "../operation.ts";
import { formatCursor, NEXT_PAGE, nextPageHeaders, pageQuery, parseCursor, parseLimit } from "../paging.ts";
import { OwnOrderAnswer } from "../schema/order.ts";
import { checkoutOperation } from "./checkout-route.ts";

/** A signed-in customer's checkout and own orders. */
export function orderOperations(deps: { checkout: Checkout; orders: OwnOrders }): Operation[] {
  const { checkout, orders } = deps;
  return [
    checkoutOperation({ checkout }),
    operation({
      id: "listOwnOrders",
      method: "get",
      path: "/billing/orders",
      summary:
        "The caller's own orders, newest first; settles an order whose customer is back from the payment page",
      access: "user",
      query: pageQuery,
      answers: { 200: Type.Array(OwnOrderAnswer) },
      answerHeaders: NEXT_PAGE,
      async handle({ caller, query }) {
        const limit = parseLimit(query.limit);
        const after = query.cursor === undefined ? undefined : parseCursor(query.cursor, WRITTEN_UUID);
        const { orders: own, next } = await orders.list(caller, limit, after);
        return json(own, 200, nextPageHeaders({ limit, cursor: next && formatCursor(next) }));
      },
    }),
    operation({
      id: "cancelOrder",
      method: "post",
      path: "/billing/orders/{orderId}/cancel",
      summary: "Cancel an unpaid order of the caller's own, and release what it holds",
      access: "user",
      answers: { 200: OwnOrderAnswer },
      raises: ["order_not_found", "order_paid", "order_processing", "payment_unavailable", "payment_refused"],
      handle: async ({ caller, params }) => json(await orders.cancel(caller, params.orderId ?? "")),
    }),
  ];
}
