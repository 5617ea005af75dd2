-- Whether other orders of the customer have spent a part of the credit that a voucher granted to this order. Without this order's
-- entries, the balance is then below zero, and below the part of the debt from the earlier service that other orders leave unpaid.
-- What an order has added to the balance pays the debt off, whenever that was. What an order took from it makes the debt no larger.
--   p_before   only entries with a smaller key count; null: all
--   p_without  orders whose entries do not count, the order itself among them
CREATE OR REPLACE FUNCTION public.billing_is_grant_spent(p_order_id uuid, p_customer_id uuid, p_before uuid, p_without uuid[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_catalog AS $$
  SELECT coalesce(sum(e.baisa), 0) < least(0, sum(e.baisa) FILTER (WHERE e.adopted OR e.baisa > 0))
    FROM (SELECT l.adopted, sum(coalesce(l.amount_baisa, l.amount_omr::bigint * 1000, 0)) AS baisa FROM credit_ledger l
           WHERE l.customer_id = p_customer_id AND (l.adopted OR l.order_id <> ALL (p_without::text[]))
             AND (l.adopted OR p_before IS NULL OR l.id < p_before)
           GROUP BY l.adopted, CASE WHEN NOT l.adopted THEN l.order_id END) e
   WHERE EXISTS (SELECT 1 FROM credit_ledger l WHERE l.order_id = p_order_id::text AND l.kind = 'grant' AND NOT l.adopted)
$$;
