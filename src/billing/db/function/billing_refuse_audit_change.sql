-- The trigger function that keeps voucher_audit append-only, and its head unwritten except by billing_chain_audit.
CREATE OR REPLACE FUNCTION public.billing_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'voucher_audit is append-only: change the voucher, and the change appends a row' USING ERRCODE = 'CB004';
END $$;
