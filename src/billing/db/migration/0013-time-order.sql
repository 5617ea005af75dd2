-- Keys in the order of time: what is written together lies together, so that a checkout touches the last page of each
-- index, and not a cold one for each row among a million. Ids are UUIDs of version 7 (RFC 9562): 48 bits of milliseconds, then
-- chance. PostgreSQL has uuidv7() from version 18 only.
CREATE FUNCTION public.billing_time_uuid() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(set_bit(set_bit(overlay(
           uuid_send(gen_random_uuid()) PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
         ), 52, 1), 53, 1), 'hex')::uuid
$$;
LOCK TABLE public.credit_ledger, public.customers, public.orders, public.subscriptions IN ACCESS EXCLUSIVE MODE;
ALTER TABLE public.customers ALTER COLUMN id SET DEFAULT public.billing_time_uuid();
ALTER TABLE public.orders ALTER COLUMN id SET DEFAULT public.billing_time_uuid();
ALTER TABLE public.subscriptions ALTER COLUMN id SET DEFAULT public.billing_time_uuid();
ALTER TABLE public.credit_ledger ALTER COLUMN id SET DEFAULT public.billing_time_uuid();

-- The order of an entry: ours is the text of its id, adopted ones are of any length and come no more.
DROP INDEX public.credit_ledger_order_idx;
CREATE INDEX credit_ledger_order_idx ON public.credit_ledger (order_id) WHERE NOT adopted;
CREATE INDEX credit_ledger_adopted_order_idx ON public.credit_ledger USING hash (order_id) WHERE adopted;

-- The checkout as it is, but for the ids of its orders.
DO $$
DECLARE
  v_text CONSTANT text := pg_get_functiondef('public.billing_checkout(jsonb, text, text[], int, boolean)'::regprocedure);
BEGIN
  ASSERT v_text LIKE '%gen_random_uuid()%';
  EXECUTE replace(v_text, 'gen_random_uuid()', 'billing_time_uuid()');
END $$;
