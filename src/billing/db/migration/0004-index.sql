-- One index for each question that a request asks. Readers go on.
LOCK TABLE public.customers, public.promo_codes, public.promo_redemptions, public.credit_ledger, public.orders,
  public.subscriptions, public.invoices IN SHARE MODE;
CREATE INDEX promo_codes_lookup_idx ON public.promo_codes (upper(btrim(code, E' \t\n\r\f\x0B') COLLATE "C"));
CREATE INDEX promo_codes_live_idx ON public.promo_codes (coalesce(created_at, '-infinity') DESC, code DESC) WHERE deleted_at IS NULL;
CREATE INDEX promo_redemptions_code_idx ON public.promo_redemptions (code);
CREATE INDEX promo_redemptions_order_idx ON public.promo_redemptions (order_id);
CREATE INDEX credit_ledger_customer_idx ON public.credit_ledger (customer_id, created_at DESC, id);
-- By hash where the earlier service's texts are of any length: an ordered index takes 2,700 bytes at most.
CREATE INDEX credit_ledger_order_idx ON public.credit_ledger USING hash (order_id);
CREATE INDEX orders_created_idx ON public.orders (created_at DESC, id DESC);
CREATE INDEX orders_customer_idx ON public.orders (customer_id, created_at DESC);
CREATE INDEX subscriptions_tenant_idx ON public.subscriptions USING hash (tenant_id);
CREATE INDEX subscriptions_order_idx ON public.subscriptions (order_id);
CREATE INDEX subscriptions_active_idx ON public.subscriptions (customer_id) WHERE status = 'active';
CREATE INDEX invoices_tenant_idx ON public.invoices USING hash (tenant_id);
CREATE INDEX tenants_customer_idx ON public.tenants (customer_id);
CREATE INDEX idempotency_records_created_idx ON public.idempotency_records (created_at);
CREATE INDEX outbox_pending_idx ON public.outbox (sink, tenant_id, id) WHERE delivered_at IS NULL;
CREATE INDEX voucher_audit_code_idx ON public.voucher_audit (code, id);
