import pg from "pg";

/** The database belongs to another Sovereign, so this one must neither migrate it nor serve from it. */
export class ForeignDatabaseError extends Error {
  override readonly name = "ForeignDatabaseError";
}

/**
 * SQLSTATEs of a read before the first migration with this table, or before the migration that grants the right to read it.
 */
const UNREADABLE = new Set(["42P01", "42501"]);

/** A connection to the database, or a transaction of the migrations. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/**
 * The FQDN of the Sovereign that the database belongs to; undefined before the first migration that names its Sovereign. An
 * FQDN never changes, and it is unique among Sovereigns. So a Sovereign that is deleted and created again, or restored from
 * a backup of its cluster, gets its database back. A Kubernetes uid would differ, and would lock the Sovereign out.
 */
export async function readSovereignIdentity(client: Queryable): Promise<string | undefined> {
  try {
    const { rows } = await client.query("SELECT fqdn FROM public.sovereign_identity WHERE id = 1");
    return (rows[0] as { fqdn: string } | undefined)?.fqdn;
  } catch (error) {
    if (error instanceof pg.DatabaseError && UNREADABLE.has(error.code ?? "")) return undefined;
    throw error;
  }
}

/** Writes the Sovereign into a database that has none. The first writer keeps the database. */
export async function claimDatabase(client: Queryable, fqdn: string): Promise<void> {
  await client.query("INSERT INTO public.sovereign_identity (fqdn) VALUES ($1) ON CONFLICT (id) DO NOTHING", [
    fqdn.toLowerCase(),
  ]);
}

/**
 * The message that the database belongs to another Sovereign, with the remedy; undefined when it belongs to this one or to
 * none.
 */
export function describeForeignOwner(owner: string | undefined, fqdn: string): string | undefined {
  if (owner === undefined || owner === fqdn.toLowerCase()) return undefined;
  return (
    `the database belongs to Sovereign ${owner}, and this is Sovereign ${fqdn}: give this Sovereign a database of its own ` +
    "(to hand the database over, see docs/billing/operations.md)"
  );
}

/** Throws `ForeignDatabaseError` when the database is another Sovereign's. */
export async function requireOwnDatabase(client: Queryable, fqdn: string): Promise<void> {
  const problem = describeForeignOwner(await readSovereignIdentity(client), fqdn);
  if (problem !== undefined) throw new ForeignDatabaseError(problem);
}
