CREATE OR REPLACE FUNCTION public.billing_refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'credit_ledger is append-only: write an entry that takes the other back' USING ERRCODE = 'CB003';
END $$;
