-- What adoption met at its ends: codes near the 2,704 bytes that the earlier service's key could hold, counters and caps that
-- were never set, defaults that somebody set.
LOCK TABLE public.promo_codes, public.voucher_audit IN ACCESS EXCLUSIVE MODE;

-- The list's order, and an audit trail's, with as much of a code as any index takes.
DROP INDEX IF EXISTS public.promo_codes_live_idx;
CREATE INDEX promo_codes_live_idx ON public.promo_codes (coalesce(created_at, '-infinity') DESC, "left"(code, 256) DESC) WHERE deleted_at IS NULL;
DROP INDEX public.voucher_audit_code_idx;
CREATE INDEX voucher_audit_code_idx ON public.voucher_audit ("left"(code, 256), id);

-- A voucher's standing, as before, but: a cap or a counter that was never set is 0, as the earlier service's defaults and every
-- answer say; and a code of which the key of promo_redemptions could hold no redemption has ended.
CREATE OR REPLACE FUNCTION public.billing_accepts_redemptions(voucher public.promo_codes, at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(
    voucher.deleted_at IS NULL AND voucher.active AND voucher.credit_omr > 0
    AND (coalesce(voucher.max_redemptions, 0) = 0 OR coalesce(voucher.times_redeemed, 0) < voucher.max_redemptions)
    AND coalesce(voucher.times_redeemed, 0) < 2147483647 AND octet_length(voucher.code) <= 2670
    AND (voucher.starts_at IS NULL OR voucher.starts_at <= at) AND (voucher.expires_at IS NULL OR at < voucher.expires_at),
    false)
$$;

INSERT INTO public.adoption_findings (kind, row_count, samples, remedy)
SELECT 'cap-missing', count(*), to_jsonb((array_agg(code ORDER BY code))[1:20]),
       'The voucher has no cap, as one of 0. Issue it again with a cap to limit it.'
  FROM public.promo_codes WHERE max_redemptions IS NULL HAVING count(*) > 0
UNION ALL
SELECT 'code-too-long', count(*), to_jsonb((array_agg("left"(code, 256) ORDER BY code))[1:20]),
       'The row is kept, and counts as ended: no redemption of it could be written. Issue its credit under a shorter code.'
  FROM public.promo_codes WHERE octet_length(code) > 2670 HAVING count(*) > 0;

-- Defaults that no release of the earlier service is known to have set. Where there are none, no table is touched.
DO $$
DECLARE
  item record;
BEGIN
  FOR item IN
    SELECT a.attrelid::regclass AS relation, a.attname
      FROM (VALUES ('customers', '{user_id,tenant_id,stripe_customer_id,email}'::text[]),
                   ('subscriptions', '{customer_id,tenant_id,stripe_subscription_id,plan_id,current_period_start,current_period_end}'),
                   ('orders', '{customer_id,tenant_id,plan_id,amount_omr,stripe_session_id,promo_code}'),
                   ('invoices', '{customer_id,tenant_id,stripe_invoice_id,amount_omr,amount_baisa,period_start,period_end,pdf_url}'),
                   ('stripe_webhook_events', '{event_id,event_type}'), ('promo_codes', '{code,credit_omr,deleted_at}'),
                   ('credit_ledger', '{customer_id,amount_omr,reason,order_id}'), ('promo_redemptions', '{customer_id,code}'))
             AS t (name, columns)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = format('public.%I', t.name)::regclass AND a.attname = ANY (t.columns)
     WHERE a.atthasdef AND a.attgenerated = ''
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', item.relation, item.attname);
  END LOOP;
END $$;
