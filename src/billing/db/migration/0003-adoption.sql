-- Brings adopted rows over. Writers wait, readers do not; money is converted where the conversion is a definition
-- (1 OMR = 1000 baisa), and where it would be a guess it is left and reported.
LOCK TABLE public.customers, public.promo_codes, public.promo_redemptions, public.credit_ledger, public.orders,
  public.subscriptions, public.invoices IN SHARE ROW EXCLUSIVE MODE;

-- The earlier service's balance was the sum of every row, whatever its status.
UPDATE public.customers c
   SET balance_baisa = l.total, balance_floor_baisa = least(l.total, 0)
  FROM (SELECT customer_id, sum(amount_omr)::bigint * 1000 AS total FROM public.credit_ledger GROUP BY customer_id) l
 WHERE l.customer_id = c.id AND l.total <> 0;

UPDATE public.promo_codes p
   SET adopted_excess = coalesce(p.times_redeemed, 0) - e.edge_count
  FROM (SELECT k.code, count(r.code) AS edge_count
          FROM public.promo_codes k LEFT JOIN public.promo_redemptions r USING (code) GROUP BY k.code) e
 WHERE e.code = p.code AND coalesce(p.times_redeemed, 0) <> e.edge_count;

INSERT INTO public.tenants (tenant_id, customer_id, created_at)
SELECT DISTINCT ON (tenant_id) tenant_id, customer_id, coalesce(created_at, now())
  FROM (SELECT tenant_id, customer_id, created_at FROM public.orders
        UNION ALL SELECT tenant_id, customer_id, created_at FROM public.subscriptions
        UNION ALL SELECT tenant_id, customer_id, created_at FROM public.invoices) AS claims
 WHERE tenant_id <> '' AND customer_id IS NOT NULL AND octet_length(tenant_id) <= 1024 -- what an index takes
 ORDER BY tenant_id, created_at NULLS LAST, customer_id;

-- A finding: its kind, how many rows, twenty of them by their first column, and what to do. None is written for no rows.
CREATE FUNCTION public.adoption_report(p_kind text, p_rows text, p_remedy text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('WITH found AS MATERIALIZED (%s)
    INSERT INTO public.adoption_findings (kind, row_count, samples, remedy)
    SELECT $1, count(*), (SELECT jsonb_agg(to_jsonb(sample)) FROM (SELECT * FROM found ORDER BY 1 LIMIT 20) AS sample), $2
      FROM found HAVING count(*) > 0', p_rows) USING p_kind, p_remedy;
END $$;

SELECT public.adoption_report('code-twins',
  $$SELECT upper(btrim(code, E' \t\n\r\f\x0B') COLLATE "C") AS key, jsonb_agg(code ORDER BY created_at, code) AS codes
      FROM public.promo_codes GROUP BY 1 HAVING count(*) > 1$$,
  'Both keep their rows; lookups find the exact upper-case one, else the oldest live one. Revoke the one that is not meant.');
SELECT public.adoption_report('code-shape',
  $$SELECT code FROM public.promo_codes WHERE code COLLATE "C" !~ '^[A-Z0-9][A-Z0-9_-]{2,63}$'$$,
  'The code keeps working. New codes must match ^[A-Z0-9][A-Z0-9_-]{2,63}$.');
SELECT public.adoption_report('cap-below-zero',
  'SELECT code, max_redemptions FROM public.promo_codes WHERE max_redemptions < 0',
  'The voucher counts as ended. Issue it again with a cap of 0 (unlimited) or more to reopen it.');
SELECT public.adoption_report('credit-not-positive',
  'SELECT code, credit_omr FROM public.promo_codes WHERE credit_omr IS NULL OR credit_omr <= 0',
  'The voucher counts as ended. Issue it again with a credit above 0, or revoke it.');
SELECT public.adoption_report('counter-differs-from-edges',
  'SELECT p.code, p.times_redeemed, coalesce(e.edges, 0) AS edges FROM public.promo_codes p
     LEFT JOIN (SELECT code, count(*) AS edges FROM public.promo_redemptions GROUP BY code) e USING (code)
    WHERE p.times_redeemed IS DISTINCT FROM coalesce(e.edges, 0)',
  'The counter is kept: the cap counts from it. catalyst reconcile-ledger lists it as adopted.');
SELECT public.adoption_report('balance-below-zero',
  'SELECT id AS customer_id, balance_baisa FROM public.customers WHERE balance_baisa < 0',
  'The debt is kept, cannot grow, and is nothing to spend.');
SELECT public.adoption_report('order-amount-baisa-missing',
  'SELECT id AS order_id, amount_omr FROM public.orders WHERE coalesce(amount_baisa, 0) = 0 AND coalesce(amount_omr, 0) <> 0',
  'The row is kept; answers show its amount_omr in baisa.');
SELECT public.adoption_report('order-amounts-differ',
  'SELECT id AS order_id, amount_omr, amount_baisa FROM public.orders
    WHERE amount_baisa <> 0 AND amount_omr IS DISTINCT FROM trunc(amount_baisa / 1000.0)',
  'The row is kept; amount_baisa is what answers show.');
SELECT public.adoption_report('grant-without-order',
  $$SELECT id AS ledger_id, customer_id, amount_omr FROM public.credit_ledger WHERE amount_omr > 0 AND coalesce(order_id, '') = ''$$,
  'The grant is kept and counts in the balance.');
SELECT public.adoption_report('grants-differ-from-edges',
  'SELECT customer_id, coalesce(g.n, 0) AS grants, coalesce(e.n, 0) AS edges
     FROM (SELECT customer_id, count(*) AS n FROM public.credit_ledger WHERE amount_omr > 0 GROUP BY customer_id) g
     FULL JOIN (SELECT customer_id, count(*) AS n FROM public.promo_redemptions GROUP BY customer_id) e USING (customer_id)
    WHERE coalesce(g.n, 0) <> coalesce(e.n, 0)',
  'Both are kept; adopted redemptions cannot be matched to grants one by one.');
SELECT public.adoption_report('ledger-amount-missing',
  'SELECT id AS ledger_id, customer_id FROM public.credit_ledger WHERE amount_omr IS NULL',
  'The row is kept and counts as nothing.');
SELECT public.adoption_report('invoice-omr-holds-baisa',
  'SELECT id AS invoice_id, amount_omr, amount_baisa FROM public.invoices
    WHERE amount_omr <> 0 AND (amount_omr = amount_baisa OR (amount_baisa IS NULL AND amount_omr >= 1000))',
  'The row is kept; only its owner can say which unit was meant.');
SELECT public.adoption_report('tenant-of-several-customers',
  $$SELECT tenant_id, count(DISTINCT customer_id) AS customers
      FROM (SELECT tenant_id, customer_id FROM public.orders
            UNION SELECT tenant_id, customer_id FROM public.subscriptions
            UNION SELECT tenant_id, customer_id FROM public.invoices) AS claims
     WHERE tenant_id <> '' GROUP BY tenant_id HAVING count(DISTINCT customer_id) > 1$$,
  'The tenant belongs to the customer who ordered first.');
DROP FUNCTION public.adoption_report(text, text, text);

-- Of what 0002 asks of new rows, this holds for all of them by now; looked at while everybody reads.
ALTER TABLE public.customers VALIDATE CONSTRAINT customers_balance_check, VALIDATE CONSTRAINT customers_balance_floor_check;
ALTER TABLE public.promo_codes VALIDATE CONSTRAINT promo_codes_shape_check, VALIDATE CONSTRAINT promo_codes_dates_check;
ALTER TABLE public.subscriptions VALIDATE CONSTRAINT subscriptions_price_check;
