-- A voucher's standing at a moment: the one definition for preview, checkout, page, list and grants.
--   revoked    deleted_at is set
--   paused     active is not true
--   expired    expires_at has passed
--   used_up    no redemption is left, or none was ever possible: the cap or the counter's largest value (2147483647) is
--              reached, the credit is not above 0, or the code has over 2,670 bytes, which do not fit the primary key of
--              promo_redemptions
--   scheduled  starts_at has not come
--   live       it can be redeemed
-- A cap or a counter that is null counts as 0. That is the earlier service's default, and the value in answers.
CREATE OR REPLACE FUNCTION public.billing_voucher_standing(voucher public.promo_codes, at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN voucher.deleted_at IS NOT NULL THEN 'revoked'
    WHEN voucher.active IS NOT TRUE THEN 'paused'
    WHEN voucher.expires_at <= at THEN 'expired'
    WHEN (voucher.credit_omr > 0) IS NOT TRUE
      OR (voucher.max_redemptions <> 0 AND coalesce(voucher.times_redeemed, 0) >= voucher.max_redemptions)
      OR voucher.times_redeemed >= 2147483647 OR octet_length(voucher.code) > 2670 THEN 'used_up'
    WHEN voucher.starts_at > at THEN 'scheduled'
    ELSE 'live'
  END
$$;
