-- A checkout set the floor of a balance to whatever the balance became, so that customers_balance_check could not refuse it.
-- A checkout never lowers a balance below its floor: the floor rises with a debt that is paid off, and falls no more. Only
-- an undone redemption brings a debt back, which billing_book writes.
DO $$
DECLARE
  v_text CONSTANT text := pg_get_functiondef('public.billing_checkout(jsonb, text, text[], int, boolean)'::regprocedure);
  v_balance CONSTANT text := 'c.balance_baisa + l.credit_baisa - l.spent_baisa';
  v_floor CONSTANT text := 'balance_floor_baisa = least(' || v_balance || ', 0)';
BEGIN
  ASSERT strpos(v_text, v_floor) > 0;
  EXECUTE replace(v_text, v_floor, 'balance_floor_baisa = least(greatest(' || v_balance || ', c.balance_floor_baisa), 0)');
END $$;
