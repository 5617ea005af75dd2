import type { ClientBase } from "pg";
import { MIGRATION_TABLE, MIGRATIONS, type Migration, TABLES } from "../schema.ts";
import { type Observation, readObservations, readServer } from "./catalog.ts";
import { type Claim, claimsOf, earlierTablesOf, type UniqueClaim, uniqueClaimsOf } from "./claim.ts";
import { type Finding, isRefusal, PreflightError, quoted } from "./finding.ts";
import { columnNames, judgeNames } from "./name.ts";
import { judgeOwners } from "./owner.ts";
import { judgeServer, judgeWriting } from "./server.ts";
import { judgeTable } from "./table.ts";

/** The migration that gives the earlier tables our shape. Until it has run, they are the earlier service's tables. */
export const ADOPTING_MIGRATION = "0002-shape";
const EARLIER_TABLES_MIGRATION = "0001-earlier-tables";
/** The tables in which Kysely records the migrations. */
const RECORD_TABLES = [MIGRATION_TABLE, `${MIGRATION_TABLE}_lock`];

/** Checks that the catalog and the record of migrations can be read. Throws `PreflightError`. */
export async function requireReadable(client: ClientBase): Promise<void> {
  refuse(judgeServer(await readServer(client, RECORD_TABLES)));
}

/**
 * Runs before the first of `migrations` that is not in `executed`. Throws `PreflightError` with every obstacle at once.
 * Returns the objects that adoption will keep or replace. Reads the catalog. Reads rows only if a unique constraint of the
 * earlier service was dropped.
 */
export async function runPreflight(
  client: ClientBase,
  executed: readonly string[],
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<Finding[]> {
  const isDone = ({ name }: Migration) => executed.includes(name);
  const pending = migrations.filter((migration) => !isDone(migration));
  if (pending.length === 0) return [];
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  try {
    await client.query("SET LOCAL search_path = pg_catalog");
    const done = migrations.filter(isDone);
    return await judge(client, executed, claimsOf(textOf(done)), claimsOf(textOf(pending)));
  } finally {
    await client.query("ROLLBACK");
  }
}

async function judge(
  client: ClientBase,
  executed: readonly string[],
  ours: readonly Claim[],
  pendingClaims: readonly Claim[],
): Promise<Finding[]> {
  const server = await readServer(client, RECORD_TABLES);
  const isOurs = ({ kind, name, table }: Claim) =>
    ours.some((one) => one.kind === kind && one.name === name && one.table === table);
  const claims = pendingClaims.filter((claim) => !isOurs(claim));
  const adopted = executed.includes(ADOPTING_MIGRATION)
    ? undefined
    : earlierTablesOf(textNamed(EARLIER_TABLES_MIGRATION), textNamed(ADOPTING_MIGRATION));
  const earlierNames = adopted?.map(({ name }) => name) ?? [];
  const namesOf = (all: readonly Claim[], ...kinds: Claim["kind"][]) =>
    all.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name);

  const observations = await readObservations(client, {
    relations: [
      ...RECORD_TABLES,
      ...TABLES,
      ...namesOf(claims, "table", "index", "type"),
      ...earlierNames.map((name) => `${name}_pkey`),
    ],
    functions: namesOf([...claims, ...ours], "function"),
    types: [...earlierNames, ...namesOf(claims, "table", "type")],
    earlier: earlierNames,
    allOfOurPrefix: adopted !== undefined,
  });
  const owned = new Set([
    ...RECORD_TABLES,
    ...earlierNames,
    ...namesOf(ours, "table", "function"),
    ...(adopted ? [] : TABLES),
  ]);
  const uniques = adopted === undefined ? [] : uniqueClaimsOf(textNamed(ADOPTING_MIGRATION));
  const added = new Set(columnNames(claims));
  const findings = [
    ...judgeWriting(server),
    ...judgeOwners(observations, owned, server.role),
    ...judgeNames(observations, claims, adopted),
    ...(adopted ?? []).flatMap((table) => judgeTable(table, observations, added, uniques)),
  ];
  refuse(findings);
  // Comes last, because it reads rows: only tables that passed the checks above certainly have these columns.
  refuse(await findDuplicates(client, observations, uniques));
  return findings;
}

/** If a unique constraint of the earlier service was dropped, rows may break it by now. */
async function findDuplicates(
  client: ClientBase,
  observations: readonly Observation[],
  uniques: readonly UniqueClaim[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { table, column } of uniques) {
    const isThere = observations.some((one) => one.kind === "column" && one.table === table);
    const holds = observations.some(
      (one) => one.kind === "constraint" && one.table === table && one.definition === `UNIQUE (${column})`,
    );
    if (!isThere || holds) continue;
    const query = `SELECT ${column} FROM public.${table} WHERE ${column} IS NOT NULL GROUP BY 1 HAVING count(*) > 1`;
    const { rows } = await client.query<{ n: number }>(
      `SELECT count(*)::float8 AS n FROM (${query}) AS doubled`,
    );
    const doubled = rows[0]?.n ?? 0;
    if (doubled > 0) {
      findings.push({
        rule: "duplicates",
        object: `column ${table}.${quoted(column)}`,
        message: `must be unique, and has ${doubled} value(s) more than once`,
        remedy: `${query}; finds them. Decide which row counts.`,
      });
    }
  }
  return findings;
}

const textOf = (migrations: readonly Migration[]) => migrations.map(({ sql }) => sql).join("\n");
const textNamed = (name: string) => textOf(MIGRATIONS.filter((migration) => migration.name === name));

function refuse(findings: readonly Finding[]): void {
  const refusals = findings.filter(isRefusal);
  if (refusals.length > 0) throw new PreflightError(refusals);
}
