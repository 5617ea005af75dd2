import { DELIVERED_RETENTION, ORGANIZATION_SINK } from "../event/outbox.ts";
import type { LedgerCheck } from "./check.ts";

/**
 * Whether a part of order `o`'s grant was spent on other orders when the order was released. The keys of entries of one
 * millisecond have no order, so both the start and the end of the release's millisecond count. An order that reserved no
 * credit has no release: any entry of its customer may be the last one before its end, so a grant that was spent at any time
 * is accepted.
 */
const GRANT_IS_SPENT = `EXISTS (
  SELECT FROM public.credit_ledger e CROSS JOIN (VALUES ('0000-0000-000000000000'), ('ffff-ffff-ffffffffffff')) AS moment (rest)
   WHERE e.customer_id = o.customer_id AND NOT e.adopted
     AND (e.order_id = o.id::text AND e.kind = 'release'
          OR NOT EXISTS (SELECT FROM public.credit_ledger r WHERE r.order_id = o.id::text AND r.kind = 'release' AND NOT r.adopted))
     AND public.billing_is_grant_spent(o.id, o.customer_id, (left(e.id::text, 13) || '-' || moment.rest)::uuid, ARRAY[o.id]))`;

const IS_WRONGLY_UNDONE = `CASE WHEN EXISTS (SELECT FROM public.promo_redemptions r WHERE r.order_id = o.id)
  THEN l.undone <> 0 OR NOT ${GRANT_IS_SPENT} ELSE l.undone <> l.granted END`;

/**
 * Checks of orders, their ledger entries, subscriptions and events. Each query reads its tables once and returns the rows
 * that differ. Adopted orders are not checked, because the earlier service did not record their amounts.
 */
export const ORDER_CHECKS: readonly LedgerCheck[] = [
  {
    kind: "spend-differs-from-order",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('order_id', o.id, 'status', o.status, 'credit_spent_baisa', o.credit_spent_baisa,
                   'ledger_baisa', coalesce(l.spent, 0)) AS row
            FROM public.orders o
            LEFT JOIN (SELECT order_id, -sum(amount_baisa) AS spent FROM public.credit_ledger
                        WHERE kind IN ('spend', 'release') AND NOT adopted GROUP BY order_id) l ON l.order_id = o.id::text
           WHERE NOT o.adopted AND coalesce(l.spent, 0) IS DISTINCT FROM o.credit_spent_baisa`,
  },
  {
    // An order that ended without a payment reserves no credit.
    kind: "credit-not-released",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('order_id', o.id, 'status', o.status, 'credit_spent_baisa', o.credit_spent_baisa) AS row
            FROM public.orders o WHERE NOT o.adopted AND o.status IN ('failed', 'expired', 'canceled', 'credited') AND o.credit_spent_baisa <> 0`,
  },
  {
    // Credit and card together pay the order. A card payment above the price is a surplus. A payment for an order that had
    // already ended is a surplus as a whole.
    kind: "payment-differs-from-ledger",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('order_id', o.id, 'status', o.status, 'amount_baisa', o.amount_baisa, 'credit_spent_baisa', o.credit_spent_baisa,
                   'card_baisa', o.card_baisa, 'surplus_baisa', coalesce(l.surplus, 0), 'surplus_rows', coalesce(l.entries, 0)) AS row
            FROM public.orders o
            LEFT JOIN (SELECT order_id, sum(amount_baisa) AS surplus, count(*) AS entries FROM public.credit_ledger
                        WHERE kind = 'surplus' AND NOT adopted GROUP BY order_id) l ON l.order_id = o.id::text
           WHERE NOT o.adopted AND CASE o.status
                   WHEN 'paid' THEN o.credit_spent_baisa + coalesce(o.card_baisa, 0) - coalesce(l.surplus, 0) IS DISTINCT FROM o.amount_baisa
                                    OR coalesce(l.entries, 0) > 1
                   WHEN 'credited' THEN coalesce(l.entries, 0) <> 1
                   ELSE l.entries IS NOT NULL END`,
  },
  {
    // A voucher's grant is undone once and without its redemption, when its order fails or is canceled. Otherwise both stay.
    // They also stay if the grant was spent when the order was released: `GRANT_IS_SPENT` proves that from the entries of
    // that time.
    kind: "grant-differs-from-order",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('order_id', o.id, 'status', o.status, 'granted_baisa', l.granted, 'undone_baisa', l.undone) AS row
            FROM public.orders o
            JOIN (SELECT order_id, coalesce(sum(amount_baisa) FILTER (WHERE kind = 'grant'), 0) AS granted,
                         coalesce(-sum(amount_baisa) FILTER (WHERE kind = 'undo'), 0) AS undone
                    FROM public.credit_ledger WHERE kind IN ('grant', 'undo') AND NOT adopted GROUP BY order_id) l ON l.order_id = o.id::text
           WHERE NOT o.adopted AND CASE o.status
                   WHEN 'failed' THEN ${IS_WRONGLY_UNDONE}
                   WHEN 'canceled' THEN ${IS_WRONGLY_UNDONE}
                   WHEN 'credited' THEN l.undone NOT IN (0, l.granted)
                   ELSE l.undone <> 0 END`,
  },
  {
    kind: "order-without-subscription",
    sql: `SELECT false AS adopted, jsonb_build_object('order_id', o.id, 'customer_id', o.customer_id, 'subscriptions', coalesce(s.count, 0)) AS row
            FROM public.orders o
            LEFT JOIN (SELECT order_id, count(*) FROM public.subscriptions WHERE order_id IS NOT NULL GROUP BY order_id) s ON s.order_id = o.id
           WHERE NOT o.adopted AND o.status = 'paid' AND coalesce(s.count, 0) <> 1`,
  },
  {
    // Subscriptions of the earlier service have no order.
    kind: "subscription-without-order",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('subscription_id', s.id, 'order_id', s.order_id, 'tenant_id', s.tenant_id, 'price_baisa', s.price_baisa,
                   'order_status', o.status, 'order_tenant_id', o.tenant_id, 'order_baisa', public.billing_amount_baisa(o)) AS row
            FROM public.subscriptions s
            LEFT JOIN public.orders o ON o.id = s.order_id
           WHERE s.order_id IS NOT NULL
             AND (o.status IS DISTINCT FROM 'paid' OR o.customer_id IS DISTINCT FROM s.customer_id OR o.tenant_id IS DISTINCT FROM s.tenant_id
                  OR public.billing_amount_baisa(o) IS DISTINCT FROM s.price_baisa)`,
  },
  {
    // Delivered events are deleted after their retention, so older orders cannot be checked.
    kind: "order-without-event",
    sql: `SELECT false AS adopted, jsonb_build_object('order_id', o.id, 'tenant_id', o.tenant_id, 'events', coalesce(x.count, 0)) AS row
            FROM public.orders o
            JOIN public.subscriptions s ON s.order_id = o.id AND s.created_at > now() - interval '${DELIVERED_RETENTION}'
            LEFT JOIN (SELECT event_id, count(*) FROM public.outbox WHERE type = 'order.placed' AND sink = '${ORGANIZATION_SINK}' GROUP BY event_id) x
              ON x.event_id = o.id
           WHERE NOT o.adopted AND o.status = 'paid' AND coalesce(x.count, 0) <> 1
           GROUP BY o.id, o.tenant_id, x.count`,
  },
  {
    kind: "event-without-order",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('event_id', x.event_id, 'sink', x.sink, 'tenant_id', x.tenant_id, 'order_status', o.status) AS row
            FROM public.outbox x LEFT JOIN public.orders o ON o.id = x.event_id
           WHERE x.type = 'order.placed' AND (o.status IS DISTINCT FROM 'paid' OR o.tenant_id IS DISTINCT FROM x.tenant_id)`,
  },
];
