import type { ClientBase } from "pg";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { describeDrift, readShape } from "./drift.ts";
import { MIGRATION_TABLE, SCHEMA_VERSION, TABLES } from "./schema.ts";

export interface SchemaState {
  /** Name of the last migration that ran; undefined when none did. */
  version: string | undefined;
  /** `sha256:…` over the catalog's description of our schema. */
  fingerprint: string;
  /** At this program's version: what differs from its shape, an object each. At another one nobody here can say. */
  drift: string[];
}

/** One thing that the fingerprint covers. */
export interface SchemaObject {
  kind: string;
  name: string;
  description: Record<string, unknown>;
}

/**
 * Read from the catalog alone, sorted bytewise, with every name written out: equal on PostgreSQL 15 to 18 and whatever
 * the search_path, owner, locale or order of columns. NOT NULL counts as a property of the column: only version 18
 * lists it as a constraint too.
 */
const CATALOG_SQL = `
WITH relation AS (
  SELECT c.oid, c.relname, c.relrowsecurity, c.relkind FROM pg_class c
   WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY ($1)
), described (kind, name, description) AS (
  SELECT 'table', relname::text, jsonb_build_object('kind', relkind, 'rowSecurity', relrowsecurity) FROM relation
  UNION ALL
  SELECT 'column', r.relname || '.' || a.attname, jsonb_build_object(
           'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull, 'identity', a.attidentity,
           'generated', a.attgenerated, 'default', pg_get_expr(d.adbin, d.adrelid),
           'collation', CASE WHEN a.attcollation <> t.typcollation THEN l.collname END)
    FROM relation r
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
  UNION ALL
  SELECT 'type', c.relname || '.' || a.attname, jsonb_build_object('type', format_type(a.atttypid, a.atttypmod), 'place', a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'c' AND c.relname LIKE 'billing\\_%'
  UNION ALL
  SELECT 'constraint', r.relname || '.' || c.conname, jsonb_build_object('definition', pg_get_constraintdef(c.oid))
    FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid WHERE c.contype IN ('p', 'u', 'f', 'c', 'x')
  UNION ALL
  SELECT 'index', r.relname || '.' || i.relname, jsonb_build_object('definition', pg_get_indexdef(i.oid), 'valid', x.indisvalid)
    FROM relation r JOIN pg_index x ON x.indrelid = r.oid JOIN pg_class i ON i.oid = x.indexrelid
  UNION ALL
  SELECT 'trigger', r.relname || '.' || g.tgname, jsonb_build_object('definition', pg_get_triggerdef(g.oid), 'enabled', g.tgenabled)
    FROM relation r JOIN pg_trigger g ON g.tgrelid = r.oid WHERE NOT g.tgisinternal
  UNION ALL
  SELECT 'rule', r.relname || '.' || w.rulename, jsonb_build_object('definition', pg_get_ruledef(w.oid))
    FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid
  UNION ALL
  SELECT 'policy', r.relname || '.' || y.polname, jsonb_build_object(
           'command', y.polcmd, 'using', pg_get_expr(y.polqual, r.oid), 'check', pg_get_expr(y.polwithcheck, r.oid))
    FROM relation r JOIN pg_policy y ON y.polrelid = r.oid
  UNION ALL
  SELECT 'function', p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', jsonb_build_object(
           'arguments', pg_get_function_arguments(p.oid), 'result', pg_get_function_result(p.oid), 'language', l.lanname,
           'body', p.prosrc, 'volatility', p.provolatile, 'strict', p.proisstrict, 'definer', p.prosecdef,
           'parallel', p.proparallel, 'settings', p.proconfig)
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
   WHERE p.pronamespace = 'public'::regnamespace
     AND (p.proname LIKE 'billing\\_%' OR p.oid IN (SELECT g.tgfoid FROM pg_trigger g JOIN relation r ON r.oid = g.tgrelid WHERE NOT g.tgisinternal))
)
SELECT kind, name, description FROM described ORDER BY kind COLLATE "C", name COLLATE "C"`;

const VERSION_SQL = `SELECT name FROM public.${MIGRATION_TABLE} ORDER BY name COLLATE "C" DESC LIMIT 1`;

/** The version alone: cheap enough for every probe. */
export async function readSchemaVersion(client: ClientBase): Promise<string | undefined> {
  const { rows: known } = await client.query("SELECT to_regclass($1) IS NOT NULL AS exists", [
    `public.${MIGRATION_TABLE}`,
  ]);
  const { rows: versions } = known[0]?.exists ? await client.query(VERSION_SQL) : { rows: [] };
  return versions[0]?.name;
}

/** Measures the database behind one connection, in one read-only snapshot; `discard` hears that the connection is of no more use. */
export async function readSchemaState(client: ClientBase, discard = () => {}): Promise<SchemaState> {
  const { version, objects } = await readSchema(client, discard);
  const fingerprint = fingerprintOf(objects);
  const shape = version === SCHEMA_VERSION ? await readShape() : undefined;
  const isAsItShould = shape === undefined || shape.version !== version || shape.fingerprint === fingerprint;
  return { version, fingerprint, drift: isAsItShould ? [] : describeDrift(shape, objects) };
}

export async function readSchema(
  client: ClientBase,
  discard = () => {},
): Promise<{ version: string | undefined; objects: SchemaObject[] }> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  try {
    await client.query("SET LOCAL search_path = pg_catalog");
    const { rows: objects } = await client.query<SchemaObject>(CATALOG_SQL, [TABLES]);
    return { version: await readSchemaVersion(client), objects };
  } finally {
    await client.query("ROLLBACK").catch(discard);
  }
}

export const fingerprintOf = (objects: readonly SchemaObject[]): string =>
  sha256Digest(canonicalJson(objects));
