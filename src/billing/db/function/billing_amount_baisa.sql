-- What an order is over: the earlier service left some whose amount is in whole OMR alone.
CREATE OR REPLACE FUNCTION public.billing_amount_baisa(o public.orders) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT greatest(coalesce(nullif(o.amount_baisa, 0), o.amount_omr::bigint * 1000, 0), 0)
$$;
