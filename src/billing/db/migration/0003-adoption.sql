-- Converts the rows of the earlier service. Writers wait meanwhile, readers do not. Money is converted where the conversion is
-- certain (1 OMR = 1000 baisa). Where it would be a guess, the row stays as it is and is reported.
LOCK TABLE public.customers, public.promo_codes, public.promo_redemptions, public.credit_ledger, public.orders,
  public.subscriptions, public.invoices IN SHARE ROW EXCLUSIVE MODE;

-- In the earlier service a balance was the sum of all ledger rows, whatever their status.
UPDATE public.customers c
   SET balance_baisa = l.total, balance_floor_baisa = least(l.total, 0)
  FROM (SELECT customer_id, sum(amount_omr)::bigint * 1000 AS total FROM public.credit_ledger GROUP BY customer_id) l
 WHERE l.customer_id = c.id AND l.total <> 0;

UPDATE public.promo_codes p
   SET adopted_excess = coalesce(p.times_redeemed, 0) - r.redemption_count
  FROM (SELECT k.code, count(r.code) AS redemption_count
          FROM public.promo_codes k LEFT JOIN public.promo_redemptions r USING (code) GROUP BY k.code) r
 WHERE r.code = p.code AND coalesce(p.times_redeemed, 0) <> r.redemption_count;

-- A tenant belongs to the customer who first paid for it: an order that was never paid claims nothing.
INSERT INTO public.tenants (tenant_id, customer_id, created_at)
SELECT DISTINCT ON (tenant_id) tenant_id, customer_id, coalesce(created_at, now())
  FROM (SELECT tenant_id, customer_id, created_at FROM public.orders
         WHERE coalesce(status, '') NOT IN ('pending', 'failed', 'expired', 'canceled', 'cancelled')
        UNION ALL SELECT tenant_id, customer_id, created_at FROM public.subscriptions
         WHERE coalesce(status, '') NOT IN ('incomplete', 'incomplete_expired')
        UNION ALL SELECT tenant_id, customer_id, created_at FROM public.invoices WHERE status = 'paid') AS claims
 WHERE tenant_id <> '' AND customer_id IS NOT NULL AND octet_length(tenant_id) <= 1024 -- longer ones do not fit the primary key
 ORDER BY tenant_id, created_at NULLS LAST, customer_id;

-- Stripe's own spelling.
UPDATE public.invoices SET status = 'void' WHERE status = 'voided';

-- Each voucher begins its trail with the terms that it was adopted with, so that a later change without an audit row shows.
INSERT INTO public.voucher_audit (code, action, actor, after)
SELECT p.code, 'adopt', 'catalyst:migrate', jsonb_strip_nulls(public.billing_voucher_record(p) || jsonb_build_object(
         'times_redeemed', coalesce(p.times_redeemed, 0),
         'created_at', to_char(p.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
  FROM public.promo_codes p ORDER BY p.created_at, p.code COLLATE "C";

-- Writes one finding: its kind, the number of rows, the first twenty in the order of the first column, and a remedy. Writes
-- nothing if there are no rows. This migration drops the function at its end.
CREATE FUNCTION public.adoption_report(p_kind text, p_rows text, p_remedy text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('WITH found AS MATERIALIZED (%s)
    INSERT INTO public.adoption_findings (kind, row_count, samples, remedy)
    SELECT $1, count(*), (SELECT jsonb_agg(to_jsonb(sample)) FROM (SELECT * FROM found ORDER BY 1 LIMIT 20) AS sample), $2
      FROM found HAVING count(*) > 0', p_rows) USING p_kind, p_remedy;
END $$;

SELECT public.adoption_report('code-twins',
  $$SELECT public.billing_code_key(code) AS key, jsonb_agg(code ORDER BY created_at, code) AS codes
      FROM public.promo_codes GROUP BY 1 HAVING count(*) > 1$$,
  'All rows are kept. A lookup finds the code that is in upper case, or else the oldest live one. Revoke the codes that should not count.');
SELECT public.adoption_report('code-shape',
  $$SELECT code FROM public.promo_codes WHERE code COLLATE "C" !~ '^[A-Z0-9][A-Z0-9_-]{2,63}$'$$,
  'The code keeps working. New codes must match ^[A-Z0-9][A-Z0-9_-]{2,63}$.');
SELECT public.adoption_report('code-too-long',
  'SELECT "left"(code, 256) AS code FROM public.promo_codes WHERE octet_length(code) > 2670',
  'The row is kept and counts as ended, because no redemption of it can be stored. Issue its credit under a shorter code.');
SELECT public.adoption_report('cap-missing',
  'SELECT code FROM public.promo_codes WHERE max_redemptions IS NULL',
  'The voucher has no cap, as with a cap of 0. Issue it again with a cap to limit it.');
SELECT public.adoption_report('cap-below-zero',
  'SELECT code, max_redemptions FROM public.promo_codes WHERE max_redemptions < 0',
  'The voucher counts as ended. Issue it again with a cap of 0 (unlimited) or more to reopen it.');
SELECT public.adoption_report('credit-not-positive',
  'SELECT code, credit_omr FROM public.promo_codes WHERE credit_omr IS NULL OR credit_omr <= 0',
  'The voucher counts as ended. Issue it again with a credit above 0, or revoke it.');
SELECT public.adoption_report('counter-differs-from-redemptions',
  'SELECT p.code, p.times_redeemed, coalesce(r.redemptions, 0) AS redemptions FROM public.promo_codes p
     LEFT JOIN (SELECT code, count(*) AS redemptions FROM public.promo_redemptions GROUP BY code) r USING (code)
    WHERE p.times_redeemed IS DISTINCT FROM coalesce(r.redemptions, 0)',
  'The counter is kept, and the cap applies to it. catalyst reconcile-ledger lists the difference as adopted.');
SELECT public.adoption_report('balance-below-zero',
  'SELECT id AS customer_id, balance_baisa FROM public.customers WHERE balance_baisa < 0',
  'The debt is kept and cannot grow. The customer has no credit to spend until it is paid off.');
SELECT public.adoption_report('order-amount-baisa-missing',
  'SELECT id AS order_id, amount_omr FROM public.orders WHERE coalesce(amount_baisa, 0) = 0 AND coalesce(amount_omr, 0) <> 0',
  'The row is kept. Answers show its amount_omr in baisa.');
SELECT public.adoption_report('order-amounts-differ',
  'SELECT id AS order_id, amount_omr, amount_baisa FROM public.orders
    WHERE amount_baisa <> 0 AND amount_omr IS DISTINCT FROM trunc(amount_baisa / 1000.0)',
  'The row is kept. Answers show its amount_baisa.');
SELECT public.adoption_report('grant-without-order',
  $$SELECT id AS ledger_id, customer_id, amount_omr FROM public.credit_ledger WHERE amount_omr > 0 AND coalesce(order_id, '') = ''$$,
  'The grant is kept and counts in the balance.');
SELECT public.adoption_report('grants-differ-from-redemptions',
  'SELECT customer_id, coalesce(g.n, 0) AS grants, coalesce(r.n, 0) AS redemptions
     FROM (SELECT customer_id, count(*) AS n FROM public.credit_ledger WHERE amount_omr > 0 GROUP BY customer_id) g
     FULL JOIN (SELECT customer_id, count(*) AS n FROM public.promo_redemptions GROUP BY customer_id) r USING (customer_id)
    WHERE coalesce(g.n, 0) <> coalesce(r.n, 0)',
  'Grants and redemptions are kept. Adopted redemptions cannot be matched to grants one by one.');
SELECT public.adoption_report('ledger-amount-missing',
  'SELECT id AS ledger_id, customer_id FROM public.credit_ledger WHERE amount_omr IS NULL',
  'The row is kept and counts as 0.');
SELECT public.adoption_report('invoice-omr-holds-baisa',
  'SELECT id AS invoice_id, amount_omr, amount_baisa FROM public.invoices
    WHERE amount_omr <> 0 AND (amount_omr = amount_baisa OR (amount_baisa IS NULL AND amount_omr >= 1000))',
  'The row is kept. Only its owner can say which unit was meant.');
SELECT public.adoption_report('tenant-of-several-customers',
  $$SELECT tenant_id, count(DISTINCT customer_id) AS customers
      FROM (SELECT tenant_id, customer_id FROM public.orders
            UNION SELECT tenant_id, customer_id FROM public.subscriptions
            UNION SELECT tenant_id, customer_id FROM public.invoices) AS claims
     WHERE tenant_id <> '' GROUP BY tenant_id HAVING count(DISTINCT customer_id) > 1$$,
  'The tenant belongs to the customer who paid for it first.');
DROP FUNCTION public.adoption_report(text, text, text);

-- These constraints of 0002 hold for old rows too by now. Validation reads the tables and lets readers go on.
ALTER TABLE public.customers VALIDATE CONSTRAINT customers_balance_check, VALIDATE CONSTRAINT customers_balance_floor_check;
ALTER TABLE public.promo_codes VALIDATE CONSTRAINT promo_codes_shape_check, VALIDATE CONSTRAINT promo_codes_dates_check;
ALTER TABLE public.subscriptions VALIDATE CONSTRAINT subscriptions_price_check;
