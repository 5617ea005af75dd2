-- Whether a voucher can be redeemed: the one definition for preview, checkout, list and grants. A cap or a counter that is
-- null counts as 0, which is the earlier service's default and what answers show. 2147483647 is the most that the counter
-- holds, and 2,670 bytes the longest code whose redemption fits the primary key of promo_redemptions.
CREATE OR REPLACE FUNCTION public.billing_accepts_redemptions(voucher public.promo_codes, at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(
    voucher.deleted_at IS NULL AND voucher.active AND voucher.credit_omr > 0
    AND (coalesce(voucher.max_redemptions, 0) = 0 OR coalesce(voucher.times_redeemed, 0) < voucher.max_redemptions)
    AND coalesce(voucher.times_redeemed, 0) < 2147483647 AND octet_length(voucher.code) <= 2670
    AND (voucher.starts_at IS NULL OR voucher.starts_at <= at) AND (voucher.expires_at IS NULL OR at < voucher.expires_at),
    false)
$$;
