-- The trigger function that keeps credit_ledger append-only.
CREATE OR REPLACE FUNCTION public.billing_refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'credit_ledger is append-only: write a new entry that reverses the old one' USING ERRCODE = 'CB003';
END $$;
