import type { ClientBase } from "pg";
import { MIGRATION_TABLE, MIGRATIONS, SCHEMA_VERSION } from "./schema.ts";

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
 * Records in the database which programs work with its schema, because an older program does not have the later migrations.
 * The record names its schema version. If a run ends between a migration and the record, the old record names another
 * version and is ignored.
 */
export async function recordCompatibility(client: ClientBase): Promise<void> {
  const record = JSON.stringify({ version: SCHEMA_VERSION, compatibleFrom: oldestCompatible(MIGRATIONS) });
  if ((await readRecord(client)) === record) return;
  await client.query(`COMMENT ON TABLE public.${MIGRATION_TABLE} IS ${client.escapeLiteral(record)}`);
}

/** Whether this program works with a schema of this version: its own, or a later one that the database records as compatible. */
export async function isCompatible(client: ClientBase, version: string | undefined): Promise<boolean> {
  if (version === SCHEMA_VERSION) return true;
  if (version === undefined || version < SCHEMA_VERSION) return false;
  const record = parseRecord(await readRecord(client));
  return record?.version === version && record.compatibleFrom <= SCHEMA_VERSION;
}

async function readRecord(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ record: string | null }>(
    "SELECT pg_catalog.obj_description(pg_catalog.to_regclass($1), 'pg_class') AS record",
    [`public.${MIGRATION_TABLE}`],
  );
  return rows[0]?.record ?? undefined;
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
