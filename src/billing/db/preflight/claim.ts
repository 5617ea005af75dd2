/**
 * An object that a migration creates, read from the migration's text, so that a new migration needs no code here. Function
 * bodies are skipped. A test compares the result with the catalog of a migrated database.
 */
export interface Claim {
  kind: "table" | "index" | "type" | "function" | "column";
  name: string;
  /** The table of a column or an index. */
  table?: string;
}

/** A table of the earlier service, as the first migration creates it. */
export interface EarlierTable {
  name: string;
  columns: EarlierColumn[];
  /** As `pg_get_constraintdef` writes it. */
  primaryKey: string;
}

export interface EarlierColumn {
  name: string;
  /** As `format_type` writes it. */
  type: string;
  /** The first releases of the earlier service lacked it, so adoption adds it. */
  isLate: boolean;
  /** Adoption sets its default, whatever the default is now. */
  setsDefault: boolean;
}

/** A unique constraint that adoption recreates on an earlier table. Existing rows may break it. */
export interface UniqueClaim {
  table: string;
  name: string;
  column: string;
}

const TYPE_NAMES: Record<string, string> = {
  bool: "boolean",
  int: "integer",
  timestamptz: "timestamp with time zone",
};

const ALTER_TABLE = /ALTER TABLE public\.(\w+)([^;]*);/g;

export function claimsOf(sql: string): Claim[] {
  const text = statementsOf(sql);
  const tables = all(text, /CREATE TABLE public\.(\w+)/g);
  return [
    ...tables.map(([name]): Claim => ({ kind: "table", name })),
    ...tables.map(([name]): Claim => ({ kind: "index", name: `${name}_pkey`, table: name })),
    ...all(text, /CREATE (?:UNIQUE )?INDEX (\w+) ON public\.(\w+)/g).map(
      ([name, table = ""]): Claim => ({ kind: "index", name, table }),
    ),
    ...all(text, /CREATE TYPE public\.(\w+)/g).map(([name]): Claim => ({ kind: "type", name })),
    ...all(text, /CREATE (?:OR REPLACE )?FUNCTION public\.(\w+)/g).map(
      ([name]): Claim => ({ kind: "function", name }),
    ),
    ...uniqueClaimsOf(sql).map(({ name, table }): Claim => ({ kind: "index", name, table })),
    ...all(text, ALTER_TABLE).flatMap(([table, actions = ""]) =>
      all(actions, /ADD COLUMN (?!IF NOT EXISTS)(\w+)/g).map(
        ([name]): Claim => ({ kind: "column", name, table }),
      ),
    ),
  ];
}

export function uniqueClaimsOf(sql: string): UniqueClaim[] {
  return all(statementsOf(sql), ALTER_TABLE).flatMap(([table, actions = ""]) =>
    all(actions, /ADD CONSTRAINT (\w+) UNIQUE \((\w+)\)/g).map(([name, column = ""]) => ({
      table,
      name,
      column,
    })),
  );
}

/** `tablesSql` creates the earlier tables. `shapeSql` gives existing ones the same shape. */
export function earlierTablesOf(tablesSql: string, shapeSql: string): EarlierTable[] {
  const actions = new Map<string, string>();
  for (const [table, text = ""] of all(statementsOf(shapeSql), ALTER_TABLE))
    actions.set(table, `${actions.get(table) ?? ""}${text}`);
  return all(statementsOf(tablesSql), /CREATE TABLE IF NOT EXISTS public\.(\w+) \(\n([^;]*)\n\);/g).map(
    ([name, body = ""]) => {
      const changes = actions.get(name) ?? "";
      const columns = all(body, /^ {2}([a-z_]+) (\w+)/gm).map(
        ([column, type = ""]): EarlierColumn => ({
          name: column,
          type: TYPE_NAMES[type] ?? type,
          isLate: new RegExp(`ADD COLUMN IF NOT EXISTS ${column}\\b`).test(changes),
          setsDefault: new RegExp(`ALTER COLUMN ${column} SET DEFAULT`).test(changes),
        }),
      );
      const [key = ""] = all(body, /^ {2}(\w+) .*PRIMARY KEY/gm)[0] ?? [];
      const [keys = key] = all(body, /^ {2}PRIMARY KEY \(([^)]*)\)/gm)[0] ?? [];
      return { name, columns, primaryKey: `PRIMARY KEY (${keys})` };
    },
  );
}

function statementsOf(sql: string): string {
  return sql.replace(/\$\$[\s\S]*?\$\$/g, "$$$$").replace(/--.*$/gm, "");
}

function all(text: string, pattern: RegExp): [string, ...string[]][] {
  return [...text.matchAll(pattern)].map(([, first = "", ...rest]) => [first, ...rest]);
}
