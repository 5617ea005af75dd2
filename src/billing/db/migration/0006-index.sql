-- One index for each question that a request asks. Writers wait while the indexes are built, readers do not.
LOCK TABLE public.customers, public.promo_codes, public.promo_redemptions, public.credit_ledger, public.orders,
  public.subscriptions, public.invoices, public.stripe_webhook_events IN SHARE MODE;

CREATE INDEX customers_tenant_idx ON public.customers USING hash (tenant_id);

CREATE INDEX promo_codes_lookup_idx ON public.promo_codes (public.billing_code_key(code) COLLATE "C");
-- Generated codes as people type them, without dashes.
CREATE INDEX promo_codes_drawn_idx ON public.promo_codes (replace(code, '-', '') COLLATE "C")
  WHERE code COLLATE "C" ~ '(^|-)([2-9A-HJKMNP-TV-Z]{4}-){2}[2-9A-HJKMNP-TV-Z]{4}$';
-- 256 characters of the code: adopted codes may be longer than an index entry, which takes about 2,700 bytes.
CREATE INDEX promo_codes_live_idx ON public.promo_codes (coalesce(created_at, '-infinity') DESC, "left"(code, 256) DESC) WHERE deleted_at IS NULL;
CREATE INDEX promo_codes_revoked_idx ON public.promo_codes (coalesce(created_at, '-infinity') DESC, "left"(code, 256) DESC) WHERE deleted_at IS NOT NULL;

CREATE INDEX promo_redemptions_code_idx ON public.promo_redemptions (code);
CREATE INDEX promo_redemptions_order_idx ON public.promo_redemptions (order_id);
-- The redemptions of the last days, for the administrators' page. Rows are stored in the order of their time, so a block range
-- index finds them; unlike a B-tree it adds almost no cost to a checkout.
CREATE INDEX promo_redemptions_created_idx ON public.promo_redemptions USING brin (created_at) WITH (autosummarize = on);

CREATE INDEX credit_ledger_customer_idx ON public.credit_ledger (customer_id, created_at DESC, id);
-- The entries and the subscriptions of a month, for its revenue: block ranges, as for redemptions.
CREATE INDEX credit_ledger_created_idx ON public.credit_ledger USING brin (created_at) WITH (autosummarize = on);
-- Our entries name an order by its id. Adopted entries may name anything of any length, so a hash index serves them.
CREATE INDEX credit_ledger_order_idx ON public.credit_ledger (order_id) WHERE NOT adopted;
CREATE INDEX credit_ledger_adopted_order_idx ON public.credit_ledger USING hash (order_id) WHERE adopted;

CREATE INDEX orders_created_idx ON public.orders (created_at DESC, id DESC);
CREATE INDEX orders_customer_idx ON public.orders (customer_id, created_at DESC);
-- The orders of a tenant, which its deletion reads.
CREATE INDEX orders_tenant_idx ON public.orders USING hash (tenant_id);
CREATE INDEX orders_session_idx ON public.orders USING hash (stripe_session_id);
-- A customer's own unpaid orders, which each checkout reads. Placed orders are in no partial index, so a checkout writes none.
CREATE INDEX orders_customer_pending_idx ON public.orders (customer_id) WHERE status = 'pending';
CREATE INDEX orders_pending_idx ON public.orders (created_at) WHERE status = 'pending' AND NOT adopted;
CREATE INDEX orders_look_idx ON public.orders (coalesce(session_look_at, session_expires_at))
  WHERE status = 'pending' AND NOT adopted AND stripe_session_id IS NOT NULL;

CREATE INDEX orders_customer_due_idx ON public.orders (id) WHERE stripe_customer_due IS NOT NULL;

CREATE INDEX subscriptions_tenant_idx ON public.subscriptions USING hash (tenant_id);
CREATE INDEX subscriptions_created_idx ON public.subscriptions USING brin (created_at) WITH (autosummarize = on);
CREATE INDEX subscriptions_order_idx ON public.subscriptions (order_id);
CREATE INDEX subscriptions_active_idx ON public.subscriptions (customer_id) WHERE status = 'active';
CREATE INDEX subscriptions_cancel_due_idx ON public.subscriptions (id) WHERE cancel_due;

CREATE INDEX card_refunds_charge_idx ON public.card_refunds (stripe_charge_id);
CREATE INDEX invoices_tenant_idx ON public.invoices USING hash (tenant_id);
CREATE INDEX invoices_subscription_idx ON public.invoices (stripe_subscription_id) WHERE stripe_subscription_id IS NOT NULL;
CREATE INDEX tenants_customer_idx ON public.tenants (customer_id);
-- Old events and old idempotency records are deleted by their age.
CREATE INDEX stripe_webhook_events_processed_idx ON public.stripe_webhook_events (processed_at);
CREATE INDEX stripe_subscription_states_recorded_idx ON public.stripe_subscription_states (recorded_at);
CREATE INDEX idempotency_records_created_idx ON public.idempotency_records (created_at);
CREATE INDEX voucher_audit_code_idx ON public.voucher_audit ("left"(code, 256), id);
CREATE INDEX voucher_audit_at_idx ON public.voucher_audit (at);
-- A filter by actor asks for either of the two, so each needs an index.
CREATE INDEX voucher_audit_actor_idx ON public.voucher_audit ("left"(actor, 256), id);
CREATE INDEX voucher_audit_subject_idx ON public.voucher_audit ("left"(subject, 256), id);
-- Smoke tests are few among many changes, or many where nothing is issued.
CREATE INDEX voucher_audit_smoke_idx ON public.voucher_audit (id) WHERE action = 'smoke';
CREATE INDEX voucher_audit_batch_idx ON public.voucher_audit (batch, id) WHERE batch IS NOT NULL;

-- The outbox is read in its own order. Only a row that failed holds up its tenant, and few rows fail, so a checkout still writes
-- few index entries.
CREATE INDEX outbox_order_idx ON public.outbox (sink, id) WHERE delivered_at IS NULL;
CREATE INDEX outbox_failed_idx ON public.outbox (sink, tenant_id, id) WHERE delivered_at IS NULL AND attempts > 0;
CREATE INDEX outbox_delivered_idx ON public.outbox (delivered_at) WHERE delivered_at IS NOT NULL;
