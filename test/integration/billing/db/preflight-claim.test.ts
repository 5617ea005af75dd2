import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { claimsOf, earlierTablesOf } from "../../../../src/billing/db/preflight/claim.ts";
import { MIGRATION_TABLE, MIGRATIONS, TABLES } from "../../../../src/billing/db/schema.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";

const claims = MIGRATIONS.flatMap(({ sql }) => claimsOf(sql));
const earlier = earlierTablesOf(MIGRATIONS[0]?.sql ?? "", MIGRATIONS[1]?.sql ?? "");

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase("migrated");
});
afterAll(() => database.drop());

async function lines(query: string, ...values: unknown[]): Promise<string[]> {
  const { rows } = await database.pool.query<{ line: string }>(query, values);
  return rows.map(({ line }) => line).sort();
}

// The preflight reads the names of new objects from the text of the migrations. It would not refuse a name that it
// overlooks.
describe("the claims that the preflight reads in the migrations", () => {
  it("reads every table, index, type and function of a migrated database", async () => {
    const known = new Set([
      ...claims.filter(({ kind }) => kind !== "column").map(({ name }) => name),
      ...earlier.flatMap(({ name }) => [name, `${name}_pkey`]),
    ]);
    const made = await lines(
      `SELECT relname AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'S' AND NOT relname LIKE $1
       UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
      `${MIGRATION_TABLE}%`,
    );
    expect(made.length).toBeGreaterThan(60);
    expect(made.filter((name) => !known.has(name))).toEqual([]);
    expect(TABLES.filter((name) => !known.has(name))).toEqual([]);
  });

  it("reads every column of the earlier tables: the earlier service's with type and key, and the added ones", async () => {
    const read = earlier.flatMap(({ name, columns }) =>
      columns.map((column) => `${name}.${column.name} ${column.type}`),
    );
    const added = claims.filter(({ kind }) => kind === "column").map(({ table, name }) => `${table}.${name}`);
    const made = await lines(
      `SELECT concat(c.relname, '.', a.attname, ' ', format_type(a.atttypid, a.atttypmod)) AS line
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY ($1)`,
      earlier.map(({ name }) => name),
    );
    expect(read.filter((line) => !made.includes(line))).toEqual([]);
    expect(made.filter((line) => !read.includes(line) && !added.includes(line.split(" ")[0] ?? ""))).toEqual(
      [],
    );
    expect(earlier.map(({ name, primaryKey }) => `${name} ${primaryKey}`).sort()).toEqual(
      await lines(
        `SELECT concat(conrelid::regclass, ' ', pg_get_constraintdef(oid)) AS line FROM pg_constraint
          WHERE contype = 'p' AND conrelid::regclass::text = ANY ($1)`,
        earlier.map(({ name }) => name),
      ),
    );
  });

  it("reads a default for each column of the earlier tables that has one", async () => {
    const read = earlier.flatMap(({ name, columns }) =>
      columns.filter(({ setsDefault }) => setsDefault).map((column) => `${name}.${column.name}`),
    );
    const made = await lines(
      `SELECT concat(table_name, '.', column_name) AS line FROM information_schema.columns
        WHERE table_schema = 'public' AND column_default IS NOT NULL AND table_name = ANY ($1)`,
      earlier.map(({ name }) => name),
    );
    const added = claims.filter(({ kind }) => kind === "column").map(({ table, name }) => `${table}.${name}`);
    expect(read.sort()).toEqual(made.filter((line) => !added.includes(line)));
  });
});
