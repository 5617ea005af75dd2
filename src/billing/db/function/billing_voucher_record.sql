-- The terms of a voucher, as the `after` of an audit row has them. Times have milliseconds, as in the API. `created_at` is left out:
-- it changes nothing that a voucher is worth.
CREATE OR REPLACE FUNCTION public.billing_voucher_record(voucher public.promo_codes) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object(
    'code', voucher.code, 'credit_omr', coalesce(voucher.credit_omr, 0), 'description', coalesce(voucher.description, ''),
    'active', coalesce(voucher.active, false), 'max_redemptions', coalesce(voucher.max_redemptions, 0),
    'deleted_at', to_char(voucher.deleted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'starts_at', to_char(voucher.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'expires_at', to_char(voucher.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
$$;
