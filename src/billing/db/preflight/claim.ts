/**
 * What migrations make, read from their own text, so that a new one is looked out for without a word here. Function bodies are
 * passed over; a test holds the result against the catalog of a migrated database.
 */
export interface Claim {
  kind: "table" | "index" | "type" | "function" | "column";
  name: string;
  /** Of a column, and of an index, its table. */
  table?: string;
}

/** A table of the earlier service, as the first migration has it. */
export interface EarlierTable {
  name: string;
  columns: EarlierColumn[];
  /** As `pg_get_constraintdef` says it. */
  primaryKey: string;
}

export interface EarlierColumn {
  name: string;
  /** As `format_type` says it. */
  type: string;
  /** The earlier service's first releases lacked it: adoption adds it. */
  isLate: boolean;
  /** Adoption sets its default, so whatever it has now does not matter. */
  setsDefault: boolean;
}

/** A constraint that adoption sets anew on an earlier table, and that rows may break. */
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

/** `tablesSql` makes the earlier tables, `shapeSql` brings those that are there already to the same shape. */
export function earlierTablesOf(tablesSql: string, shapeSql: string): EarlierTable[] {
  const actions = new Map<string, string>();
  for (const [table, text = ""] of all(statementsOf(shapeSql), ALTER_TABLE))
    actions.set(table, `${actions.get(table) ?? ""}${text}`);
  return all(statementsOf(tablesSql), /CREATE TABLE IF NOT EXISTS public\.(\w+) \(\n([^;]*)\n\);/g).map(
    ([name, body = ""]) => {
      const said = actions.get(name) ?? "";
      const columns = all(body, /^ {2}([a-z_]+) (\w+)/gm).map(
        ([column, type = ""]): EarlierColumn => ({
          name: column,
          type: TYPE_NAMES[type] ?? type,
          isLate: new RegExp(`ADD COLUMN IF NOT EXISTS ${column}\\b`).test(said),
          setsDefault: new RegExp(`ALTER COLUMN ${column} SET DEFAULT`).test(said),
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
