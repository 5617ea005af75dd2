-- The orders of a tenant: asked when it is deleted, and when the only order that claimed it is undone.
LOCK TABLE public.orders IN SHARE MODE;
CREATE INDEX orders_tenant_idx ON public.orders USING hash (tenant_id);
