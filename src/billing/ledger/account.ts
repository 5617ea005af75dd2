import type { Caller } from "../auth/token.ts";
import type { Database } from "../db/database.ts";
import { LEDGER_BAISA_SQL } from "../db/schema.ts";
import { TenantError } from "../errors.ts";
import type { TenantDirectory } from "../tenant/directory.ts";
import { omrOfBaisa } from "../voucher/voucher.ts";
import { presentSubscriptionSql } from "./subscription-status.ts";

/** A signed-in customer's own balance, subscriptions and invoices. */
export interface AccountService {
  /** Zeros for a user who is not a customer yet. */
  balance(caller: Caller): Promise<Balance>;
  /** Throws `tenant_not_found` for a tenant that does not exist or is not the caller's. */
  subscription(caller: Caller, tenantId: string): Promise<Record<string, unknown>>;
  invoices(caller: Caller, tenantId: string): Promise<Record<string, unknown>[]>;
  /**
   * Throws `tenant_not_found` unless the caller may see everything that the tenant's customer pays for by card. A member
   * may, while the customer pays for no other tenant.
   */
  requirePaymentAccount(caller: Caller, tenantId: string): Promise<void>;
}

interface Balance {
  credit_omr: number;
  credit_baisa: number;
  entries: LedgerEntry[];
}

interface LedgerEntry {
  id: string;
  amount_omr: number;
  amount_baisa: number;
  reason: string;
  order_id: string;
  created_at: string | null;
}

const SHOWN_ENTRIES = 50;

const notFound = () => new TenantError("tenant_not_found", "you have no tenant with this id: check the id");

export function createAccountService(deps: {
  database: Database;
  tenants: TenantDirectory | undefined;
}): AccountService {
  const { database, tenants } = deps;

  async function requireTenant(caller: Caller, tenantId: string): Promise<void> {
    const [owner] = await database.query<{ user_id: string | null }>({
      name: "tenant-owner",
      text: "SELECT c.user_id FROM tenants t JOIN customers c ON c.id = t.customer_id WHERE t.tenant_id = $1",
      values: [tenantId],
    });
    if (owner?.user_id === caller.userId) return;
    if (owner !== undefined && (await tenants?.isMember(tenantId, caller.userId))) return;
    throw notFound();
  }

  return {
    async requirePaymentAccount(caller, tenantId) {
      await requireTenant(caller, tenantId);
      const others = await database.query({
        name: "payments-for-other-tenants",
        text: `SELECT FROM tenants t JOIN customers c ON c.id = t.customer_id
                WHERE t.tenant_id = $1 AND c.user_id IS DISTINCT FROM $2
                  AND (EXISTS (SELECT FROM tenants o WHERE o.customer_id = c.id AND o.tenant_id <> t.tenant_id)
                    OR EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id AND o.tenant_id IS DISTINCT FROM t.tenant_id
                                  AND o.status NOT IN ('pending', 'expired', 'canceled', 'failed')))`,
        values: [tenantId, caller.userId],
      });
      if (others.length > 0)
        throw new TenantError(
          "tenant_not_found",
          "the customer of this tenant pays for other tenants too, and the portal shows them all: ask that customer to open it",
        );
    },

    async balance(caller) {
      const [customer] = await database.query<{ id: string; balance: number }>({
        name: "balance",
        text: "SELECT id, balance_baisa::float8 AS balance FROM customers WHERE user_id = $1",
        values: [caller.userId],
      });
      if (customer === undefined) return { credit_omr: 0, credit_baisa: 0, entries: [] };
      const entries = await database.query<Omit<LedgerEntry, "amount_omr">>({
        name: "ledger-entries",
        text: `SELECT id, ${LEDGER_BAISA_SQL}::float8 AS amount_baisa, coalesce(reason, '') AS reason,
                      coalesce(order_id, '') AS order_id, created_at
                 FROM credit_ledger l WHERE customer_id = $1 ORDER BY created_at DESC, id LIMIT ${SHOWN_ENTRIES}`,
        values: [customer.id],
      });
      return {
        credit_omr: omrOfBaisa(customer.balance),
        credit_baisa: customer.balance,
        entries: entries.map(({ id, amount_baisa, ...rest }) => ({
          id,
          amount_omr: omrOfBaisa(amount_baisa),
          amount_baisa,
          ...rest,
        })),
      };
    },

    async subscription(caller, tenantId) {
      await requireTenant(caller, tenantId);
      const [row] = await database.query<Record<string, unknown>>({
        name: "subscription",
        text: `SELECT id, customer_id, tenant_id, coalesce(stripe_subscription_id, '') AS stripe_subscription_id, plan_id, now_status AS status,
                      current_period_start, current_period_end, created_at, updated_at
                 FROM (${presentSubscriptionSql("$1")}) AS present`,
        values: [tenantId],
      });
      if (row === undefined) throw notFound();
      return row;
    },

    async invoices(caller, tenantId) {
      await requireTenant(caller, tenantId);
      // The order of an invoice may still wait for its payment. Or its payment became credit, because the tenant belongs to
      // another customer.
      return database.query({
        name: "invoices",
        text: `SELECT id, customer_id, tenant_id, coalesce(stripe_invoice_id, '') AS stripe_invoice_id, amount_omr,
                      amount_baisa::float8 AS amount_baisa, currency, status, period_start, period_end,
                      coalesce(pdf_url, '') AS pdf_url, created_at
                 FROM invoices i
                WHERE tenant_id = $1 AND NOT EXISTS (
                        SELECT FROM orders o WHERE o.id = i.order_id AND o.status IN ('pending', 'expired', 'canceled', 'failed', 'credited'))
                ORDER BY created_at DESC, id LIMIT 1000`,
        values: [tenantId],
      });
    },
  };
}
