import type { ClientBase } from "pg";

/** The role that runs the migration, and what it may do on this server. */
export interface ServerState {
  role: string;
  /** A standby, or a database or role with default_transaction_read_only. */
  isReadOnly: boolean;
  schema: "missing" | "closed" | "readable" | "writable";
  /** Languages of our functions that do not exist, or that the role may not use. */
  missingLanguages: string[];
  /** Relations with the name of a table of migrations, which the role may not read. */
  unreadable: string[];
  /** Relations with the name of a table of migrations, which are something else. */
  foreign: string[];
}

/** One object in the catalog that is on a table of ours or has a name that we need. */
export type Observation =
  | {
      kind: "relation";
      name: string;
      /** As `pg_class.relkind`. */
      relkind: string;
      owner: string;
      isOwned: boolean;
      isUnlogged: boolean;
      /** Made from a composite type (`OF`). */
      isTyped: boolean;
      rowSecurity: boolean;
      /** The index that identifies rows for logical replication, if it is not the primary key. */
      replicaIndex: string | null;
      /** The table, if this is an index. */
      indexOf: string | null;
      isPrimary: boolean;
    }
  | { kind: "type" | "function"; name: string; signature: string; owner: string; isOwned: boolean }
  | {
      kind: "column";
      name: string;
      table: string;
      type: string;
      collation: string | null;
      default: string | null;
      generated: "EXPRESSION" | "IDENTITY" | null;
    }
  | {
      kind: "constraint";
      name: string;
      table: string;
      /** As `pg_constraint.contype`. */
      contype: string;
      definition: string;
      indexDefinition: string | null;
    }
  | { kind: "index"; name: string; table: string; definition: string }
  | {
      kind: "foreign key";
      name: string;
      table: string;
      by: string;
      column: string;
      isOnPrimaryKey: boolean;
      blocksDelete: boolean;
    }
  | { kind: "trigger" | "rule" | "policy"; name: string; table: string; definition: string }
  | { kind: "view" | "child" | "parent" | "row type"; name: string; table: string };

export type Of<Kind extends Observation["kind"]> = Extract<Observation, { kind: Kind }>;

const SERVER_SQL = `
SELECT current_user AS role, pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS "isReadOnly",
       coalesce((SELECT CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN 'closed'
                             WHEN has_schema_privilege(n.oid, 'CREATE') THEN 'writable' ELSE 'readable' END
                   FROM pg_namespace n WHERE n.nspname = 'public'), 'missing') AS schema,
       ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = 'public' AND c.relname = ANY ($1) AND NOT has_table_privilege(c.oid, 'SELECT')) AS unreadable,
       ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = 'public' AND c.relname = ANY ($1) AND (c.relkind <> 'r' OR NOT EXISTS (
                SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('name', 'is_locked')))) AS foreign,
       ARRAY(SELECT unnest(ARRAY['plpgsql', 'sql']) EXCEPT
             SELECT lanname::text FROM pg_language l WHERE has_language_privilege(l.oid, 'USAGE')) AS "missingLanguages"`;

/**
 * Reads only the catalog, which takes milliseconds whatever the size of the tables. Its parameters:
 * - `$1` and `$2`: the names of relations and of functions that we need or have
 * - `$3`: the names of types that we need
 * - `$4`: the names of the earlier service's tables, whose attachments are listed too
 * - `$5`: whether to list every function and type named `billing_…`
 */
const CATALOG_SQL = `
WITH earlier AS (
  SELECT c.oid, c.relname::text AS name, c.reltype FROM pg_class c
   WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY ($4) AND c.relkind IN ('r', 'p')
), observed (observation) AS (
  SELECT jsonb_build_object('kind', 'relation', 'name', c.relname, 'relkind', c.relkind, 'owner', pg_get_userbyid(c.relowner),
           'isOwned', pg_has_role(c.relowner, 'USAGE'), 'isUnlogged', c.relpersistence = 'u', 'isTyped', c.reloftype <> 0,
           'rowSecurity', c.relrowsecurity,
           'replicaIndex', (SELECT i.indexrelid::regclass::text FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident AND NOT i.indisprimary),
           'indexOf', (SELECT t.relname FROM pg_class t WHERE t.oid = x.indrelid), 'isPrimary', coalesce(x.indisprimary, false))
    FROM pg_class c LEFT JOIN pg_index x ON x.indexrelid = c.oid
   WHERE c.relnamespace = 'public'::regnamespace
     AND (c.relname = ANY ($1) OR c.relname = ANY ($3) OR ($5 AND c.relkind = 'c' AND c.relname LIKE 'billing\\_%'))
  UNION ALL
  SELECT jsonb_build_object('kind', 'type', 'name', t.typname, 'signature', t.typname, 'owner', pg_get_userbyid(t.typowner),
           'isOwned', pg_has_role(t.typowner, 'USAGE'))
    FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace AND t.typname = ANY ($3) AND t.typrelid = 0
  UNION ALL
  SELECT jsonb_build_object('kind', 'function', 'name', p.proname, 'owner', pg_get_userbyid(p.proowner),
           'signature', format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
           'isOwned', pg_has_role(p.proowner, 'USAGE'))
    FROM pg_proc p
   WHERE p.pronamespace = 'public'::regnamespace AND (p.proname = ANY ($2) OR ($5 AND p.proname LIKE 'billing\\_%'))
  UNION ALL
  SELECT jsonb_build_object('kind', 'column', 'name', a.attname, 'table', coalesce(e.name, c.relname),
           'type', format_type(a.atttypid, a.atttypmod), 'default', pg_get_expr(d.adbin, d.adrelid),
           'collation', CASE WHEN a.attcollation <> t.typcollation THEN l.collname END,
           'generated', CASE WHEN a.attgenerated <> '' THEN 'EXPRESSION' WHEN a.attidentity <> '' THEN 'IDENTITY' END)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN earlier e ON e.oid = c.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
   WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY ($1) AND c.relkind IN ('r', 'p')
  UNION ALL
  SELECT jsonb_build_object('kind', 'constraint', 'name', c.conname, 'table', e.name, 'contype', c.contype,
           'definition', pg_get_constraintdef(c.oid), 'indexDefinition', pg_get_indexdef(nullif(c.conindid, 0)))
    FROM earlier e JOIN pg_constraint c ON c.conrelid = e.oid AND c.contype IN ('p', 'u', 'f', 'c', 'x')
  UNION ALL
  SELECT jsonb_build_object('kind', 'index', 'name', i.relname, 'table', e.name, 'definition', pg_get_indexdef(i.oid))
    FROM earlier e JOIN pg_index x ON x.indrelid = e.oid JOIN pg_class i ON i.oid = x.indexrelid
   WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = e.oid AND c.conindid = i.oid)
  UNION ALL
  SELECT jsonb_build_object('kind', 'foreign key', 'name', c.conname, 'table', e.name, 'by', c.conrelid::regclass::text,
           'column', (SELECT string_agg(a.attname, ', ') FROM pg_attribute a WHERE a.attrelid = e.oid AND a.attnum = ANY (c.confkey)),
           'isOnPrimaryKey', x.indisprimary, 'blocksDelete', c.confdeltype IN ('a', 'r'))
    FROM earlier e JOIN pg_constraint c ON c.confrelid = e.oid AND c.contype = 'f' JOIN pg_index x ON x.indexrelid = c.conindid
   WHERE c.conrelid NOT IN (SELECT oid FROM earlier)
  UNION ALL
  SELECT jsonb_build_object('kind', 'trigger', 'name', g.tgname, 'table', e.name, 'definition', pg_get_triggerdef(g.oid))
    FROM earlier e JOIN pg_trigger g ON g.tgrelid = e.oid WHERE NOT g.tgisinternal
  UNION ALL
  SELECT jsonb_build_object('kind', 'rule', 'name', w.rulename, 'table', e.name, 'definition', pg_get_ruledef(w.oid))
    FROM earlier e JOIN pg_rewrite w ON w.ev_class = e.oid
  UNION ALL
  SELECT jsonb_build_object('kind', 'policy', 'name', y.polname, 'table', e.name, 'definition', coalesce(pg_get_expr(y.polqual, e.oid), ''))
    FROM earlier e JOIN pg_policy y ON y.polrelid = e.oid
  UNION ALL
  SELECT DISTINCT jsonb_build_object('kind', 'view', 'name', w.ev_class::regclass::text, 'table', e.name)
    FROM earlier e
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite w ON w.oid = d.objid AND w.ev_class <> e.oid
    JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
  UNION ALL
  SELECT jsonb_build_object('kind', 'child', 'name', h.inhrelid::regclass::text, 'table', e.name) FROM earlier e JOIN pg_inherits h ON h.inhparent = e.oid
  UNION ALL
  SELECT jsonb_build_object('kind', 'parent', 'name', h.inhparent::regclass::text, 'table', e.name) FROM earlier e JOIN pg_inherits h ON h.inhrelid = e.oid
  UNION ALL
  SELECT jsonb_build_object('kind', 'row type', 'name', format('%s.%I', a.attrelid::regclass, a.attname), 'table', e.name)
    FROM earlier e
    JOIN pg_type t ON t.oid = e.reltype
    JOIN pg_attribute a ON a.atttypid IN (t.oid, t.typarray) AND NOT a.attisdropped
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'm', 'f')
)
SELECT observation FROM observed ORDER BY observation ->> 'table' COLLATE "C", observation ->> 'kind' COLLATE "C", observation ->> 'name' COLLATE "C"`;

export async function readServer(client: ClientBase, ownTables: readonly string[]): Promise<ServerState> {
  const { rows } = await client.query<ServerState>(SERVER_SQL, [ownTables]);
  const [server] = rows;
  if (server === undefined) throw new Error("a SELECT without a FROM returned no row");
  return server;
}

export async function readObservations(
  client: ClientBase,
  names: {
    relations: readonly string[];
    functions: readonly string[];
    types: readonly string[];
    earlier: readonly string[];
    allOfOurPrefix: boolean;
  },
): Promise<Observation[]> {
  const { rows } = await client.query<{ observation: Observation }>(CATALOG_SQL, [
    names.relations,
    names.functions,
    names.types,
    names.earlier,
    names.allOfOurPrefix,
  ]);
  return rows.map(({ observation }) => observation);
}
