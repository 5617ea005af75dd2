import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDatabase, type Database } from "../../../../src/billing/db/database.ts";
import { MIGRATION_TABLE } from "../../../../src/billing/db/schema.ts";
import { readSchemaState } from "../../../../src/billing/db/schema-state.ts";
import { DatabaseUnavailableError, VoucherError } from "../../../../src/billing/errors.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";

const QUERY_TIMEOUT_MS = 1_000;
let test: TestDatabase;
let database: Database;

beforeEach(async () => {
  test = await createTestDatabase();
  const pool = new pg.Pool({ connectionString: test.url, max: 1, query_timeout: QUERY_TIMEOUT_MS });
  pool.on("error", () => undefined);
  database = createDatabase(pool);
});
afterEach(async () => {
  await database.pool.end();
  await test.drop();
});

const backend = async (): Promise<number> =>
  (await database.query<{ pid: number }>({ text: "SELECT pg_backend_pid() AS pid" }))[0]?.pid ?? 0;
const kill = (pid: unknown) => test.pool.query("SELECT pg_terminate_backend($1)", [pid]);

describe("a transaction", () => {
  it("throws what went wrong first, also when it cannot be rolled back any more", async () => {
    const run = database.transaction(async (transaction) => {
      const [row] = await transaction.query<{ pid: number }>({ text: "SELECT pg_backend_pid() AS pid" });
      await kill(row?.pid);
      throw new VoucherError("voucher_ended", "too late");
    });
    await expect(run).rejects.toBeInstanceOf(VoucherError);
    expect(await backend()).toBeGreaterThan(0);
  });

  it("gives its connection back after a refusal, of ours or of the database's", async () => {
    const before = await backend();
    await expect(
      database.transaction(() => Promise.reject(new VoucherError("voucher_ended", "too late"))),
    ).rejects.toBeInstanceOf(VoucherError);
    await expect(
      database.transaction((transaction) => transaction.query({ text: "SELECT 1 / 0" })),
    ).rejects.toMatchObject({ code: "22012" });
    expect(await backend()).toBe(before);
  });

  it("does not give a connection back that hangs", async () => {
    const before = await backend();
    const hanging = database.transaction((transaction) => transaction.query({ text: "SELECT pg_sleep(5)" }));
    await expect(hanging).rejects.toBeInstanceOf(DatabaseUnavailableError);
    expect(await backend()).not.toBe(before);
  });
});

describe("a connection of one's own", () => {
  it("is not given back when it hangs", async () => {
    const before = await backend();
    await expect(database.withClient((client) => client.query("SELECT pg_sleep(5)"))).rejects.toThrow();
    expect(await backend()).not.toBe(before);
  });

  it("is given back after the database refused something", async () => {
    const before = await backend();
    await expect(database.withClient((client) => client.query("SELECT 1 / 0"))).rejects.toThrow();
    expect(await backend()).toBe(before);
  });

  it("says what ended the measuring of the schema, not why that could not be rolled back", async () => {
    const holder = await test.pool.connect();
    await holder.query(`BEGIN; LOCK TABLE public.${MIGRATION_TABLE}`);
    const measuring = database.withClient(readSchemaState).catch((error: unknown) => error);
    const waiting = () =>
      test.pool.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
      );
    await expect.poll(async () => (await waiting()).rowCount, { interval: 20 }).toBe(1);
    expect(await measuring).toMatchObject({ code: "57P01" });
    await holder.query("ROLLBACK");
    holder.release();
    expect(await backend()).toBeGreaterThan(0);
  });
});
