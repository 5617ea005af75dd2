-- Brings adopted rows over and closes the door behind them. Writers wait, readers do not; money is converted where the
-- conversion is a definition (1 OMR = 1000 baisa), and where it would be a guess it is left and reported.
LOCK TABLE public.customers, public.promo_codes, public.promo_redemptions, public.credit_ledger, public.orders,
  public.subscriptions, public.invoices IN SHARE ROW EXCLUSIVE MODE;

UPDATE public.credit_ledger SET amount_baisa = amount_omr::bigint * 1000 WHERE amount_baisa IS NULL AND amount_omr IS NOT NULL;

-- The earlier service's balance was the sum of every row, whatever its status.
UPDATE public.customers c
   SET balance_baisa = l.total, balance_floor_baisa = least(l.total, 0)
  FROM (SELECT customer_id, sum(amount_baisa)::bigint AS total FROM public.credit_ledger GROUP BY customer_id) l
 WHERE l.customer_id = c.id AND l.total <> 0;

UPDATE public.promo_codes p
   SET adopted_excess = p.times_redeemed - e.edge_count
  FROM (SELECT k.code, count(r.code) AS edge_count
          FROM public.promo_codes k LEFT JOIN public.promo_redemptions r USING (code) GROUP BY k.code) e
 WHERE e.code = p.code AND p.times_redeemed <> e.edge_count;

INSERT INTO public.tenants (tenant_id, customer_id, created_at)
SELECT DISTINCT ON (tenant_id) tenant_id, customer_id, coalesce(created_at, now())
  FROM (SELECT tenant_id, customer_id, created_at FROM public.orders
        UNION ALL SELECT tenant_id, customer_id, created_at FROM public.subscriptions
        UNION ALL SELECT tenant_id, customer_id, created_at FROM public.invoices) AS claims
 WHERE tenant_id <> '' AND customer_id IS NOT NULL
 ORDER BY tenant_id, created_at NULLS LAST, customer_id;

-- Findings: each kind once, with how many rows and up to twenty of them.
WITH key_of AS (
  SELECT p.*, upper(btrim(p.code, E' \t\n\r\f\x0B') COLLATE "C") AS lookup_key FROM public.promo_codes p
), edges AS (
  SELECT code, count(*) AS edge_count FROM public.promo_redemptions GROUP BY code
), found (kind, sample, remedy) AS (
  SELECT 'code-twins', jsonb_build_object('key', lookup_key, 'codes', jsonb_agg(code ORDER BY created_at, code)),
         'Both keep their rows; lookups find the exact upper-case one, else the oldest live one. Revoke the one that is not meant.'
    FROM key_of GROUP BY lookup_key HAVING count(*) > 1
  UNION ALL
  SELECT 'code-shape', jsonb_build_object('code', code),
         'The code keeps working. New codes must match ^[A-Z0-9][A-Z0-9_-]{2,63}$.'
    FROM key_of WHERE code COLLATE "C" !~ '^[A-Z0-9][A-Z0-9_-]{2,63}$'
  UNION ALL
  SELECT 'cap-below-zero', jsonb_build_object('code', code, 'max_redemptions', max_redemptions),
         'The voucher counts as ended. Issue it again with a cap of 0 (unlimited) or more to reopen it.'
    FROM key_of WHERE max_redemptions < 0
  UNION ALL
  SELECT 'credit-not-positive', jsonb_build_object('code', code, 'credit_omr', credit_omr),
         'The voucher counts as ended. Issue it again with a credit above 0, or revoke it.'
    FROM key_of WHERE credit_omr IS NULL OR credit_omr <= 0
  UNION ALL
  SELECT 'counter-differs-from-edges',
         jsonb_build_object('code', k.code, 'times_redeemed', k.times_redeemed, 'edges', coalesce(e.edge_count, 0)),
         'The counter is kept: the cap counts from it. catalyst reconcile-ledger lists it as adopted.'
    FROM key_of k LEFT JOIN edges e USING (code) WHERE k.times_redeemed IS DISTINCT FROM coalesce(e.edge_count, 0)
  UNION ALL
  SELECT 'balance-below-zero', jsonb_build_object('customer_id', id, 'balance_baisa', balance_baisa),
         'The debt is kept, cannot grow, and is nothing to spend.'
    FROM public.customers WHERE balance_baisa < 0
  UNION ALL
  SELECT 'order-amount-baisa-missing', jsonb_build_object('order_id', id, 'amount_omr', amount_omr),
         'The row is kept; answers show its amount_omr in baisa.'
    FROM public.orders WHERE coalesce(amount_baisa, 0) = 0 AND coalesce(amount_omr, 0) <> 0
  UNION ALL
  SELECT 'order-amounts-differ', jsonb_build_object('order_id', id, 'amount_omr', amount_omr, 'amount_baisa', amount_baisa),
         'The row is kept; amount_baisa is what answers show.'
    FROM public.orders WHERE amount_baisa <> 0 AND amount_omr IS DISTINCT FROM trunc(amount_baisa / 1000.0)
  UNION ALL
  SELECT 'grant-without-order', jsonb_build_object('ledger_id', id, 'customer_id', customer_id, 'amount_omr', amount_omr),
         'The grant is kept and counts in the balance.'
    FROM public.credit_ledger WHERE amount_omr > 0 AND coalesce(order_id, '') = ''
  UNION ALL
  SELECT 'grants-differ-from-edges',
         jsonb_build_object('customer_id', coalesce(g.customer_id, e.customer_id), 'grants', coalesce(g.n, 0), 'edges', coalesce(e.n, 0)),
         'Both are kept; adopted redemptions cannot be matched to grants one by one.'
    FROM (SELECT customer_id, count(*) AS n FROM public.credit_ledger WHERE amount_omr > 0 GROUP BY customer_id) g
    FULL JOIN (SELECT customer_id, count(*) AS n FROM public.promo_redemptions GROUP BY customer_id) e USING (customer_id)
   WHERE coalesce(g.n, 0) <> coalesce(e.n, 0)
  UNION ALL
  SELECT 'ledger-amount-missing', jsonb_build_object('ledger_id', id, 'customer_id', customer_id),
         'The row is kept and counts as nothing.'
    FROM public.credit_ledger WHERE amount_omr IS NULL
  UNION ALL
  SELECT 'invoice-omr-holds-baisa', jsonb_build_object('invoice_id', id, 'amount_omr', amount_omr, 'amount_baisa', amount_baisa),
         'The row is kept; only its owner can say which unit was meant.'
    FROM public.invoices WHERE amount_omr <> 0 AND (amount_omr = amount_baisa OR (amount_baisa IS NULL AND amount_omr >= 1000))
  UNION ALL
  SELECT 'tenant-of-several-customers', jsonb_build_object('tenant_id', tenant_id, 'customers', count(DISTINCT customer_id)),
         'The tenant belongs to the customer who ordered first.'
    FROM (SELECT tenant_id, customer_id FROM public.orders
          UNION SELECT tenant_id, customer_id FROM public.subscriptions
          UNION SELECT tenant_id, customer_id FROM public.invoices) AS claims
   WHERE tenant_id <> '' GROUP BY tenant_id HAVING count(DISTINCT customer_id) > 1
), numbered AS (
  SELECT kind, sample, remedy, row_number() OVER (PARTITION BY kind ORDER BY sample::text COLLATE "C") AS place FROM found
)
INSERT INTO public.adoption_findings (kind, row_count, samples, remedy)
SELECT kind, count(*), jsonb_agg(sample ORDER BY place) FILTER (WHERE place <= 20), min(remedy)
  FROM numbered GROUP BY kind ORDER BY kind;

ALTER TABLE public.customers
  ADD CONSTRAINT customers_identity_check CHECK (user_id IS NOT NULL AND tenant_id IS NOT NULL AND email IS NOT NULL) NOT VALID,
  ADD CONSTRAINT customers_balance_check CHECK (balance_baisa >= balance_floor_baisa AND balance_baisa <= 9007199254740991),
  ADD CONSTRAINT customers_balance_floor_check CHECK (balance_floor_baisa <= 0);
ALTER TABLE public.promo_codes
  ADD CONSTRAINT promo_codes_shape_check CHECK (adopted OR (
    code COLLATE "C" ~ '^[A-Z0-9][A-Z0-9_-]{2,63}$' AND credit_omr IS NOT NULL AND credit_omr > 0
    AND description IS NOT NULL AND active IS NOT NULL AND created_at IS NOT NULL
    AND max_redemptions IS NOT NULL AND max_redemptions >= 0 AND times_redeemed IS NOT NULL AND times_redeemed >= 0)),
  ADD CONSTRAINT promo_codes_dates_check CHECK (starts_at < expires_at);
ALTER TABLE public.promo_redemptions
  ADD CONSTRAINT promo_redemptions_grant_check CHECK (adopted OR (
    amount_baisa IS NOT NULL AND amount_baisa > 0 AND order_id IS NOT NULL)) NOT VALID,
  ADD CONSTRAINT promo_redemptions_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders (id) NOT VALID;
ALTER TABLE public.credit_ledger
  ADD CONSTRAINT credit_ledger_entry_check CHECK (adopted OR (
    customer_id IS NOT NULL AND amount_baisa IS NOT NULL AND amount_baisa <> 0 AND amount_omr = trunc(amount_baisa / 1000.0)
    AND order_id IS NOT NULL
    AND ((kind = 'grant' AND amount_baisa > 0 AND promo_code IS NOT NULL)
      OR (kind = 'spend' AND amount_baisa < 0) OR (kind = 'release' AND amount_baisa > 0))
  )) NOT VALID;
ALTER TABLE public.orders
  ADD CONSTRAINT orders_amount_check CHECK (adopted OR (
    customer_id IS NOT NULL AND amount_baisa >= 0 AND amount_omr = trunc(amount_baisa / 1000.0)
    AND credit_spent_baisa IS NOT NULL AND credit_spent_baisa BETWEEN 0 AND amount_baisa)
  ) NOT VALID;
ALTER TABLE public.subscriptions
  ADD CONSTRAINT subscriptions_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders (id) NOT VALID,
  ADD CONSTRAINT subscriptions_price_check CHECK (price_baisa >= 0);
