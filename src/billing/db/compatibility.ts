import pg, { type ClientBase } from "pg";
import { MIGRATION_TABLE, SCHEMA_VERSION } from "./schema.ts";
import type { Queryable } from "./sovereign-identity.ts";

/**
 * First line of a migration that the previous version of the program still works with: it only adds, and changes nothing
 * that the previous version uses. A rollout can then go back to the previous image.
 */
const MARK = /^-- compatible\b/;

/** The oldest version whose program works with the schema after the last of these migrations. */
export function oldestCompatible(migrations: readonly { name: string; sql: string }[]): string {
  const last = migrations.findLastIndex(({ sql }) => !MARK.test(sql));
  return migrations[Math.max(0, last)]?.name ?? "";
}

/**
 * Records in the database which programs work with its schema after these migrations, because an older program does not
 * have the later ones. The record names its schema version, and one that names another version is ignored.
 */
export async function recordCompatibility(
  client: Queryable,
  migrations: readonly { name: string; sql: string }[],
): Promise<void> {
  const version = migrations.at(-1)?.name;
  const record = JSON.stringify({ version, compatibleFrom: oldestCompatible(migrations) });
  if ((await readRecord(client)) === record) return;
  await client.query(`COMMENT ON TABLE public.${MIGRATION_TABLE} IS ${pg.escapeLiteral(record)}`);
}

/** Whether this program works with a schema of this version: its own, or a later one that the database records as compatible. */
export async function isCompatible(client: ClientBase, version: string | undefined): Promise<boolean> {
  if (version === SCHEMA_VERSION) return true;
  if (version === undefined || version < SCHEMA_VERSION) return false;
  const record = parseRecord(await readRecord(client));
  return record?.version === version && record.compatibleFrom <= SCHEMA_VERSION;
}

async function readRecord(client: Queryable): Promise<string | undefined> {
  const { rows } = await client.query(
    "SELECT pg_catalog.obj_description(pg_catalog.to_regclass($1), 'pg_class') AS record",
    [`public.${MIGRATION_TABLE}`],
  );
  return (rows[0] as { record: string | null } | undefined)?.record ?? undefined;
}

function parseRecord(text: string | undefined): { version: string; compatibleFrom: string } | undefined {
  try {
    const { version, compatibleFrom } = JSON.parse(text ?? "null") ?? {};
    if (typeof version !== "string" || typeof compatibleFrom !== "string") return undefined;
    return { version, compatibleFrom };
  } catch {
    return undefined;
  }
}
