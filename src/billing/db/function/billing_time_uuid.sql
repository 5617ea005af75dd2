-- Keys in the order of time: what is written together lies together, so that a checkout touches the last page of each
-- index, and not a cold one for each row among a million. Ids are UUIDs of version 7 (RFC 9562): 48 bits of milliseconds, then
-- chance. PostgreSQL has uuidv7() from version 18 only.
CREATE OR REPLACE FUNCTION public.billing_time_uuid() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(set_bit(set_bit(overlay(
           uuid_send(gen_random_uuid()) PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
         ), 52, 1), 53, 1), 'hex')::uuid
$$;
