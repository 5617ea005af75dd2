-- The price of an order. The earlier service stored the amount of some orders in whole OMR only.
CREATE OR REPLACE FUNCTION public.billing_amount_baisa(o public.orders) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT greatest(coalesce(nullif(o.amount_baisa, 0), o.amount_omr::bigint * 1000, 0), 0)
$$;
