-- Returns a UUID of version 7 (RFC 9562): 48 bits of milliseconds since 1970, then random bits. Such keys grow with time, so a
-- checkout writes to the last page of each index, and not to a random page that is not in memory. PostgreSQL itself has uuidv7()
-- only since version 18. date_part returns a float, and extract a numeric, which takes twice as long.
CREATE OR REPLACE FUNCTION public.billing_time_uuid() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(set_bit(set_bit(overlay(
           uuid_send(gen_random_uuid()) PLACING substring(int8send((date_part('epoch', clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
         ), 52, 1), 53, 1), 'hex')::uuid
$$;
