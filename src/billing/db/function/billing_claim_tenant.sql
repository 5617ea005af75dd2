-- Assigns the tenant of a paid order to the order's customer, unless the tenant belongs to a customer already. True: the order may be
-- placed for this tenant, because it is the customer's, or because the tenant service named the customer as a member. True also for
-- an adopted order that names no tenant or no customer, or has a tenant id that does not fit the primary key of tenants.
CREATE OR REPLACE FUNCTION public.billing_claim_tenant(p_order public.orders) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
BEGIN
  IF coalesce(p_order.tenant_id, '') = '' OR octet_length(p_order.tenant_id) > 1024 OR p_order.customer_id IS NULL THEN RETURN true; END IF;
  INSERT INTO tenants (tenant_id, customer_id) VALUES (p_order.tenant_id, p_order.customer_id) ON CONFLICT (tenant_id) DO NOTHING;
  RETURN p_order.tenant_member OR EXISTS (
    SELECT FROM tenants t WHERE t.tenant_id = p_order.tenant_id AND t.customer_id = p_order.customer_id);
END $$;
