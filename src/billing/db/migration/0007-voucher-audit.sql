-- Who changed a voucher, and with which token: `actor` stays `issuer:subject` in one, as adopted readers know it.
ALTER TABLE public.voucher_audit
  ADD COLUMN issuer text,
  ADD COLUMN subject text,
  -- The token's `jti`, or `sha256:…` of a token that has none; null on rows from before.
  ADD COLUMN token_id text,
  ADD COLUMN token_issued_at timestamptz;
