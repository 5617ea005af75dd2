/** `refuses`: the object prevents a migration. `kept`: adoption keeps or replaces it, and records it. docs/adoption.md lists the same. */
export const RULES = {
  "server-read-only": "refuses",
  "schema-closed": "refuses",
  "language-closed": "refuses",
  "not-owner": "refuses",
  "name-taken": "refuses",
  "not-a-plain-table": "refuses",
  inheritance: "refuses",
  "column-taken": "refuses",
  "column-unknown": "refuses",
  "column-missing": "refuses",
  "column-type": "refuses",
  "primary-key": "refuses",
  "foreign-key": "refuses",
  "row-type": "refuses",
  trigger: "refuses",
  rule: "refuses",
  "row-security": "refuses",
  "replica-identity": "refuses",
  duplicates: "refuses",
  "foreign-key-kept": "kept",
  view: "kept",
  "index-replaced": "kept",
  "constraint-replaced": "kept",
  "default-replaced": "kept",
} as const;

export type Rule = keyof typeof RULES;

export interface Finding {
  rule: Rule;
  /** Kind and name: `table public.outbox`. */
  object: string;
  /** The fault of the object, or the action on it. It continues the sentence that `object` begins. */
  message: string;
  /** The statement or the decision that removes the obstacle. */
  remedy: string;
}

export const isRefusal = ({ rule }: Finding): boolean => RULES[rule] === "refuses";

/** A migration cannot start from this database. Nothing was changed. */
export class PreflightError extends Error {
  override readonly name = "PreflightError";
  readonly code = "preflight_refused";
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    const lines = findings.map(
      ({ rule, object, message, remedy }) => `\n- ${rule}: ${object} ${message}. ${remedy}`,
    );
    super(
      `the database was not changed; objects that prevent the migration: ${findings.length}${lines.join("")}`,
    );
    this.findings = findings;
  }
}

/** A name as SQL needs it. Quotes some names that need no quotes. */
export function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** `pg_class.relkind` in words. */
export const RELATION_KINDS: Record<string, string> = {
  r: "table",
  p: "partitioned table",
  v: "view",
  m: "materialized view",
  f: "foreign table",
  S: "sequence",
  i: "index",
  I: "partitioned index",
  c: "type",
};
