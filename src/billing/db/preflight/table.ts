import { judgeAttachment } from "./attachment.ts";
import type { Observation, Of } from "./catalog.ts";
import type { EarlierColumn, EarlierTable, UniqueClaim } from "./claim.ts";
import { type Finding, quoted, RELATION_KINDS } from "./finding.ts";

/** The earlier service's tables, one by one: what they are made of, and what others have hung on them. */
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
        message: "has the name of a table of the earlier service, and is none",
        remedy: `Make it a table with the same rows, or give it another name (ALTER … RENAME TO …).`,
      },
    ];
  }
  const hung = observations.filter((one) => "table" in one && one.table === table.name);
  // What is in the way of a column of ours was said already.
  const columns = hung.filter(
    (one): one is Of<"column"> => one.kind === "column" && !added.has(`${one.table}.${one.name}`),
  );
  const constraints = hung.filter((one): one is Of<"constraint"> => one.kind === "constraint");
  return [
    ...judgeRelation(relation, object),
    ...judgeColumns(table, columns),
    ...judgePrimaryKey(table, constraints),
    ...hung.flatMap((one) => judgeAttachment(one, table, uniques)),
  ];
}

function judgeRelation(relation: Of<"relation">, object: string): Finding[] {
  const findings: Finding[] = [];
  const alter = `ALTER TABLE public.${relation.name}`;
  if (relation.isUnlogged) {
    const message = "is unlogged: a crash of the server would empty it";
    findings.push({ rule: "not-a-plain-table", object, message, remedy: `${alter} SET LOGGED;` });
  }
  if (relation.isTyped) {
    const message = "is made of a type (OF), so no column can be added";
    findings.push({ rule: "not-a-plain-table", object, message, remedy: `${alter} NOT OF;` });
  }
  if (relation.rowSecurity) {
    const message = "has row level security: whom a row is shown to would differ between Sovereigns";
    findings.push({ rule: "row-security", object, message, remedy: `${alter} DISABLE ROW LEVEL SECURITY;` });
  }
  if (relation.replicaIndex !== null) {
    findings.push({
      rule: "replica-identity",
      object,
      message: `is replicated by the index ${relation.replicaIndex}, which adoption replaces: its updates would be refused then`,
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
        message: `is not there, and every release of the earlier service that can be adopted had it`,
        remedy: `ALTER TABLE public.${table.name} ADD COLUMN ${name} ${type}; if its rows are whole without it.`,
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
        message: `is no column of the earlier service: vouchers have the same shape on every Sovereign, and this one's fingerprint would differ`,
        remedy: `Move what it holds to a table of your own, then ${alter} DROP COLUMN ${name};`,
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
        : `${alter} ALTER COLUMN ${name} TYPE ${known.type}${column.collation === null ? "" : ' COLLATE "default"'}; it may rewrite the table, and only you know whether every value can become one.`;
    return [{ rule: "column-type", object, message: `is ${is}, and must be ${known.type}`, remedy }];
  }
  if (column.default !== null && !known.setsDefault) {
    return [
      {
        rule: "default-replaced",
        object,
        message: `loses the default ${column.default}, which the earlier service did not set`,
        remedy: "Nothing to do, unless another program counts on it.",
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
