import { judgeAttachment } from "./attachment.ts";
import type { Observation, Of } from "./catalog.ts";
import type { EarlierColumn, EarlierTable, UniqueClaim } from "./claim.ts";
import { type Finding, quoted, RELATION_KINDS } from "./finding.ts";

/** Judges one table of the earlier service: the table itself, its columns and key, and what others attached to it. */
export function judgeTable(
  table: EarlierTable,
  observations: readonly Observation[],
  added: ReadonlySet<string>,
  uniques: readonly UniqueClaim[],
): Finding[] {
  const relation = observations.find(
    (one): one is Of<"relation"> => one.kind === "relation" && one.name === table.name,
  );
  if (relation === undefined) return [];
  const object = `${RELATION_KINDS[relation.relkind] ?? "relation"} public.${table.name}`;
  if (relation.relkind !== "r") {
    return [
      {
        rule: "not-a-plain-table",
        object,
        message: "has the name of a table of the earlier service, but is not a plain table",
        remedy: `Make it a table with the same rows, or rename it (ALTER … RENAME TO …).`,
      },
    ];
  }
  const attached = observations.filter((one) => "table" in one && one.table === table.name);
  // A column with a name that we need is reported by `judgeNames`.
  const columns = attached.filter(
    (one): one is Of<"column"> => one.kind === "column" && !added.has(`${one.table}.${one.name}`),
  );
  const constraints = attached.filter((one): one is Of<"constraint"> => one.kind === "constraint");
  return [
    ...judgeRelation(relation, object),
    ...judgeColumns(table, columns),
    ...judgePrimaryKey(table, constraints),
    ...attached.flatMap((one) => judgeAttachment(one, table, uniques)),
  ];
}

function judgeRelation(relation: Of<"relation">, object: string): Finding[] {
  const findings: Finding[] = [];
  const alter = `ALTER TABLE public.${relation.name}`;
  if (relation.isUnlogged) {
    const message = "is unlogged: a crash of the server would delete its rows";
    findings.push({ rule: "not-a-plain-table", object, message, remedy: `${alter} SET LOGGED;` });
  }
  if (relation.isTyped) {
    const message = "is made from a type (OF), so no column can be added";
    findings.push({ rule: "not-a-plain-table", object, message, remedy: `${alter} NOT OF;` });
  }
  if (relation.rowSecurity) {
    const message = "has row level security: which rows a query returns would differ between Sovereigns";
    findings.push({ rule: "row-security", object, message, remedy: `${alter} DISABLE ROW LEVEL SECURITY;` });
  }
  if (relation.replicaIndex !== null) {
    findings.push({
      rule: "replica-identity",
      object,
      message: `is replicated by the index ${relation.replicaIndex}, which adoption replaces: PostgreSQL would then refuse updates`,
      remedy: `${alter} REPLICA IDENTITY DEFAULT;`,
    });
  }
  return findings;
}

function judgeColumns(table: EarlierTable, columns: readonly Of<"column">[]): Finding[] {
  const missing = table.columns
    .filter(({ name, isLate }) => !isLate && !columns.some((column) => column.name === name))
    .map(
      ({ name, type }): Finding => ({
        rule: "column-missing",
        object: `column ${table.name}.${name}`,
        message: `is missing, and every release of the earlier service that can be adopted has it`,
        remedy: `ALTER TABLE public.${table.name} ADD COLUMN ${name} ${type}; if the rows are complete without it.`,
      }),
    );
  return [
    ...missing,
    ...columns.flatMap((column) =>
      judgeColumn(
        table,
        column,
        table.columns.find(({ name }) => name === column.name),
      ),
    ),
  ];
}

function judgeColumn(table: EarlierTable, column: Of<"column">, known: EarlierColumn | undefined): Finding[] {
  const name = quoted(column.name);
  const object = `column ${table.name}.${name}`;
  const alter = `ALTER TABLE public.${table.name}`;
  if (known === undefined) {
    return [
      {
        rule: "column-unknown",
        object,
        message: `is not a column of the earlier service: vouchers have the same shape on every Sovereign, and the fingerprint would differ`,
        remedy: `Move its values to a table of your own, then ${alter} DROP COLUMN ${name};`,
      },
    ];
  }
  if (column.type !== known.type || column.collation !== null || column.generated !== null) {
    const is = [
      column.type,
      ...(column.collation === null ? [] : [`with the collation ${quoted(column.collation)}`]),
      ...(column.generated === null ? [] : ["that the server generates"]),
    ].join(" ");
    const remedy =
      column.generated !== null
        ? `${alter} ALTER COLUMN ${name} DROP ${column.generated};`
        : `${alter} ALTER COLUMN ${name} TYPE ${known.type}${column.collation === null ? "" : ' COLLATE "default"'}; it may rewrite the table, and only you know whether every value can be converted.`;
    return [{ rule: "column-type", object, message: `is ${is}, and must be ${known.type}`, remedy }];
  }
  if (column.default !== null && !known.setsDefault) {
    return [
      {
        rule: "default-replaced",
        object,
        message: `loses the default ${column.default}, which the earlier service did not set`,
        remedy: "Nothing to do, unless another program depends on it.",
      },
    ];
  }
  return [];
}

function judgePrimaryKey(table: EarlierTable, constraints: readonly Of<"constraint">[]): Finding[] {
  const key = constraints.find(({ contype }) => contype === "p");
  const columns = table.primaryKey.replace("PRIMARY KEY ", "");
  const remedy = `ALTER TABLE public.${table.name}${key === undefined ? "" : ` DROP CONSTRAINT ${quoted(key.name)},`} ADD CONSTRAINT ${table.name}_pkey ${table.primaryKey};`;
  const isPlain =
    key?.definition === table.primaryKey && key.indexDefinition?.endsWith(`USING btree ${columns}`) === true;
  if (isPlain) return [];
  return [
    {
      rule: "primary-key",
      object: `table public.${table.name}`,
      message:
        key === undefined
          ? "has no primary key"
          : `has the primary key ${quoted(key.name)}, ${key.definition} (${key.indexDefinition}), and must have a plain ${table.primaryKey}`,
      remedy,
    },
  ];
}
