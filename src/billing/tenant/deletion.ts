import type { Database } from "../db/database.ts";
import type { TenantDeleted } from "./event.ts";

/** The number of rows of each kind that the deletion changed. */
interface TenantDeletionEffects {
  subscriptions: number;
  invoices: number;
  ledger_entries: number;
}

export type TenantDeletion =
  | { kind: "handled"; effects: TenantDeletionEffects }
  /** This event was handled before, by this or another process. */
  | { kind: "repeated" };

/**
 * Cancels a deleted tenant's subscriptions, voids its open invoices and marks its ledger entries, once for each event: the
 * record of the event commits together with the effects. No balance changes, and paid invoices stay. The same transaction
 * marks the subscriptions that the payment sweeper must cancel at the payment processor. A tenant's ledger entries are
 * those of its orders. Entries without an order belong to the tenant under which their customer is registered, because the
 * grants of the earlier service have no order.
 */
export async function handleTenantDeleted(
  database: Database,
  topic: string,
  { eventId, tenantId, kind }: TenantDeleted,
): Promise<TenantDeletion> {
  const [handled] = await database.query({
    name: "event-known",
    text: "SELECT 1 FROM handled_events WHERE topic = $1 AND event_id = $2",
    values: [topic, eventId],
  });
  if (handled !== undefined) return { kind: "repeated" };
  await cancelPending(database, tenantId);
  return database.transaction(async (transaction): Promise<TenantDeletion> => {
    // A concurrent delivery of the same event waits here for the first one's commit.
    const fresh = await transaction.query({
      name: "event-handled",
      text: `INSERT INTO handled_events (topic, event_id, type, tenant_id, effects) VALUES ($1, $2, $3, $4, '{}')
             ON CONFLICT (topic, event_id) DO NOTHING RETURNING event_id`,
      values: [topic, eventId, kind, tenantId],
    });
    if (fresh.length === 0) return { kind: "repeated" };

    const subscriptions = await transaction.query({
      name: "tenant-deleted-subscriptions",
      text: `UPDATE subscriptions
                SET status = 'canceled', updated_at = now(), cancel_due = coalesce(stripe_subscription_id, '') <> ''
              WHERE tenant_id = $1 AND coalesce(status, 'active') NOT IN ('canceled', 'incomplete_expired')
              RETURNING id`,
      values: [tenantId],
    });
    const invoices = await transaction.query({
      name: "tenant-deleted-invoices",
      text: "UPDATE invoices SET status = 'void' WHERE tenant_id = $1 AND coalesce(status, 'draft') IN ('draft', 'open') RETURNING id",
      values: [tenantId],
    });
    const ledgerEntries = await transaction.query({
      name: "tenant-deleted-ledger",
      text: `WITH buyer AS (
               SELECT customer_id AS id FROM orders WHERE tenant_id = $1
               UNION SELECT customer_id FROM tenants WHERE tenant_id = $1
               UNION SELECT id FROM customers WHERE tenant_id = $1
             ), placed AS (
               SELECT o.id::text AS id FROM buyer b JOIN orders o ON o.customer_id = b.id AND o.tenant_id = $1
             ), entry AS (
               -- Ours and adopted ones have an index each.
               SELECT l.id FROM placed p JOIN credit_ledger l ON l.order_id = p.id AND NOT l.adopted
               UNION SELECT l.id FROM placed p JOIN credit_ledger l ON l.order_id = p.id AND l.adopted
               UNION SELECT l.id FROM customers c JOIN credit_ledger l ON l.customer_id = c.id
                WHERE c.tenant_id = $1 AND coalesce(l.order_id, '') = ''
             )
             UPDATE credit_ledger l SET status = 'tenant_deleted' FROM entry
              WHERE l.id = entry.id AND l.status IS DISTINCT FROM 'tenant_deleted' RETURNING l.id`,
      values: [tenantId],
    });
    const effects: TenantDeletionEffects = {
      subscriptions: subscriptions.length,
      invoices: invoices.length,
      ledger_entries: ledgerEntries.length,
    };
    await transaction.query({
      name: "event-effects",
      text: "UPDATE handled_events SET effects = $3 WHERE topic = $1 AND event_id = $2",
      values: [topic, eventId, JSON.stringify(effects)],
    });
    return { kind: "handled", effects };
  });
}

/**
 * Cancels the tenant's orders that wait for a payment. A later payment for one becomes credit. Each order has its own
 * transaction, as in the sweeper, because locks on two customers at once would break the lock order of checkouts.
 */
async function cancelPending(database: Database, tenantId: string): Promise<void> {
  const pending = await database.query<{ id: string; session: string | null }>({
    name: "tenant-deleted-pending",
    // An order of the earlier service may have an open session, which only this ends. Its session may also be an empty
    // text.
    text: `SELECT id, nullif(stripe_session_id, '') AS session FROM orders
            WHERE tenant_id = $1 AND status = 'pending' AND (NOT adopted OR stripe_session_id <> '')`,
    values: [tenantId],
  });
  for (const { id, session } of pending) {
    await database.query(
      session === null
        ? { name: "order-undo", text: "SELECT billing_undo_order($1)", values: [id] }
        : { name: "order-expire", text: "SELECT billing_expire_order($1, $2)", values: [id, session] },
    );
  }
}
