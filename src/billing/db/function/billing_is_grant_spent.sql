-- Whether the credit that a voucher granted to an order is spent, at least in part, on other orders of the customer. Without the order,
-- the balance would be negative, and lower than before the grant and than a debt from the earlier service. The redemption then stays.
-- Keys grow with time, so the order of the ledger's keys is the order of its entries. Adopted entries are older than all others.
--   p_before  only entries with a smaller key count; null: all
CREATE OR REPLACE FUNCTION public.billing_is_grant_spent(p_order_id uuid, p_customer_id uuid, p_before uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_catalog AS $$
  SELECT coalesce(sum(e.baisa), 0) < least(0, sum(e.baisa) FILTER (WHERE e.adopted), sum(e.baisa) FILTER (WHERE e.adopted OR e.id < g.id))
    FROM (SELECT l.id FROM credit_ledger l WHERE l.order_id = p_order_id::text AND l.kind = 'grant' AND NOT l.adopted ORDER BY l.id LIMIT 1) g
    JOIN (SELECT l.id, l.adopted, coalesce(l.amount_baisa, l.amount_omr::bigint * 1000, 0) AS baisa FROM credit_ledger l
           WHERE l.customer_id = p_customer_id AND (l.adopted OR l.order_id <> p_order_id::text)
             AND (l.adopted OR p_before IS NULL OR l.id < p_before)) e ON true
$$;
