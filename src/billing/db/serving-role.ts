import pg from "pg";
import { MIGRATION_TABLE, TABLES } from "./schema.ts";

/** The books: tables whose rows are never changed. */
const BOOKS: readonly string[] = ["credit_ledger", "voucher_audit", "voucher_audit_head"];

const WRITTEN = "SELECT, INSERT, UPDATE";
const CLEANED = "SELECT, INSERT, UPDATE, DELETE";

const columns = (right: "INSERT" | "UPDATE", ...names: string[]) => `${right} (${names.join(", ")})`;

/**
 * Rights on the tables with adopted rows: only on the columns that the service writes. Only the migration may mark a row as
 * adopted, because such rows are exempt from rules and checks.
 */
const ADOPTABLE_RIGHTS = {
  orders: [
    "SELECT",
    columns(
      "INSERT",
      ...[
        "id",
        "customer_id",
        "tenant_id",
        "tenant_member",
        "plan_id",
        "apps",
        "addons",
        "amount_omr",
        "amount_baisa",
      ],
      ...["status", "promo_code", "credit_spent_baisa", "card_baisa"],
    ),
    columns(
      "UPDATE",
      ...[
        "status",
        "credit_spent_baisa",
        "stripe_session_id",
        "session_url",
        "session_expires_at",
        "session_look_at",
      ],
      ...["session_asked_at", "session_request", "cancel_requested", "stripe_customer_due"],
    ),
  ].join(", "),
  promo_codes: [
    "SELECT",
    columns(
      "INSERT",
      ...[
        "code",
        "credit_omr",
        "description",
        "active",
        "max_redemptions",
        "starts_at",
        "expires_at",
        "issued_by",
      ],
    ),
    columns(
      "UPDATE",
      ...["credit_omr", "description", "active", "max_redemptions", "starts_at", "expires_at", "issued_by"],
      ...["deleted_at", "times_redeemed"],
    ),
  ].join(", "),
  promo_redemptions: `SELECT, DELETE, ${columns("INSERT", "customer_id", "code", "amount_baisa", "order_id", "issued_by")}`,
  // `status` changes when the tenant of an entry is deleted.
  credit_ledger: [
    "SELECT",
    columns(
      "INSERT",
      "customer_id",
      "amount_omr",
      "amount_baisa",
      "kind",
      "reason",
      "promo_code",
      "order_id",
    ),
    "UPDATE (status)",
  ].join(", "),
};

/**
 * The rights of the serving role on each table. It may delete only rows that an order creates and gives back, and rows that
 * are kept for a limited time. It owns no table, so it cannot alter one, truncate one, or disable its triggers.
 */
export const SERVING_RIGHTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(TABLES.map((table) => [table, WRITTEN])),
  customers: CLEANED,
  idempotency_records: CLEANED,
  outbox: CLEANED,
  stripe_subscription_states: CLEANED,
  stripe_webhook_events: CLEANED,
  tenants: CLEANED,
  ...ADOPTABLE_RIGHTS,
  card_refunds: "SELECT, INSERT",
  voucher_audit: "SELECT, INSERT",
  voucher_audit_head: "SELECT",
  sovereign_identity: "SELECT",
  adoption_findings: "SELECT",
  [MIGRATION_TABLE]: "SELECT",
};

/** The serving URL cannot be used to log in, or it leads to another database than the migration's. */
class ServingRoleError extends Error {
  override readonly name = "ServingRoleError";
}

const PLACE_SQL = `SELECT d.oid::text || ' ' || extract(epoch FROM pg_postmaster_start_time()) AS place, current_user::text AS role
  FROM pg_catalog.pg_database d WHERE d.datname = current_database()`;

/** Logs in as the serving role, and returns its name. Throws `ServingRoleError`. */
export async function readServingRole(servingUrl: string, migrating: pg.ClientBase): Promise<string> {
  const { rows: own } = await migrating.query<{ place: string }>(PLACE_SQL);
  const client = new pg.Client({ connectionString: servingUrl, connectionTimeoutMillis: 10_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ place: string; role: string }>(PLACE_SQL);
    const [serving] = rows;
    if (serving !== undefined && serving.place === own[0]?.place) return serving.role;
  } catch (error) {
    throw new ServingRoleError(
      "the role that serves cannot log in: create the role of SERVING_DATABASE_URL, or correct the URL",
      { cause: error },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
  throw new ServingRoleError(
    "SERVING_DATABASE_URL leads to another database than DATABASE_URL: name the same database in both",
  );
}

/**
 * Makes the migrating role the owner of our tables and functions, and grants the serving role its rights. Both happen in
 * one transaction, so a running service never lacks a right. A repeated call changes nothing.
 */
export async function grantServing(client: pg.ClientBase, role: string): Promise<void> {
  const tables = Object.keys(SERVING_RIGHTS);
  await client.query("BEGIN");
  try {
    const { rows } = await client.query<{ statement: string }>(
      `WITH object (kind, name, owner) AS (
         SELECT 'TABLE', format('public.%I', c.relname), c.relowner FROM pg_catalog.pg_class c
          WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname = ANY ($1)
         UNION ALL
         SELECT 'FUNCTION', p.oid::regprocedure::text, p.proowner FROM pg_catalog.pg_proc p
          WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'billing\\_%'
       )
       SELECT format('ALTER %s %s OWNER TO %I', kind, name, current_user) AS statement FROM object WHERE owner <> current_user::regrole
       UNION ALL
       SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', name, $2::text) FROM object WHERE kind = 'FUNCTION'
       UNION ALL
       SELECT format('GRANT USAGE ON SCHEMA public TO %I', $2::text) WHERE NOT has_schema_privilege($2, 'public', 'USAGE')`,
      [tables, role],
    );
    for (const { statement } of rows) await client.query(statement);
    const grantee = pg.escapeIdentifier(role);
    for (const [table, rights] of Object.entries(SERVING_RIGHTS)) {
      await client.query(`REVOKE ALL ON public.${table} FROM PUBLIC, ${grantee}`);
      await client.query(`GRANT ${rights} ON public.${table} TO ${grantee}`);
    }
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

/** A reason why a serving role could change the books unnoticed, and the remedy. */
export interface RoleFinding {
  finding: "books-not-protected";
  role: string;
  message: string;
}

const REMEDY =
  "give the migration a role of its own, which owns the tables, the schema and the database (docs/billing/operations.md)";

/**
 * The roles that write the audit and could also change the books. The result follows from owners and rights, and does not
 * depend on the role that reads them. The owner of a schema can drop every table and function in it, and the owner of the
 * database owns the schema public. Before version 16, CREATEROLE lets a role become a member of the owner. A role that may
 * create functions in public can shadow one of PostgreSQL's own, and the migration would run it as the owner.
 */
export async function findUnprotectedBooks(client: pg.ClientBase): Promise<RoleFinding[]> {
  const { rows } = await client.query<{
    owner: string;
    role: string | null;
    can_alter: boolean;
    can_create: boolean;
  }>(
    `SELECT c.relowner::regrole::text AS owner, g.rolname::text AS role,
            bool_or(g.rolsuper OR pg_has_role(g.oid, b.relowner, 'MEMBER') OR pg_has_role(g.oid, n.nspowner, 'MEMBER')
                    OR (g.rolcreaterole AND current_setting('server_version_num')::int < 160000)
                    OR has_table_privilege(g.oid, b.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER')) AS can_alter,
            bool_or(has_schema_privilege(g.oid, n.oid, 'CREATE')) AS can_create
       FROM pg_catalog.pg_class c
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN LATERAL aclexplode(c.relacl) a ON a.privilege_type = 'INSERT' AND a.grantee <> c.relowner
       LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantee
       JOIN pg_catalog.pg_class b ON b.relnamespace = c.relnamespace AND b.relname = ANY ($1)
      WHERE c.oid = 'public.voucher_audit'::regclass
      GROUP BY c.relowner, g.rolname ORDER BY g.rolname`,
    [BOOKS],
  );
  return rows.flatMap(({ owner, role, can_alter, can_create }): RoleFinding[] => {
    if (role === null) {
      const message = `the role ${owner} owns the books, and no other role may write them, so the role that serves can alter them: ${REMEDY}`;
      return [{ finding: "books-not-protected", role: owner, message }];
    }
    if (!can_alter && !can_create) return [];
    const message = can_alter
      ? `the role ${role} writes the books, and it can alter or empty them too: ${REMEDY}`
      : `the role ${role} writes the books, and it can create functions that the owner runs: REVOKE CREATE ON SCHEMA public FROM PUBLIC, ${pg.escapeIdentifier(role)}`;
    return [{ finding: "books-not-protected", role, message }];
  });
}
