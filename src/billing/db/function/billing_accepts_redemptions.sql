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
