import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDatabase, type Database } from "../../../../src/billing/db/database.ts";
import { MIGRATION_TABLE } from "../../../../src/billing/db/schema.ts";
import { readSchemaState } from "../../../../src/billing/db/schema-state.ts";
import { DatabaseUnavailableError, VoucherError } from "../../../../src/billing/errors.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";
import { eventually } from "../../../support/wait.ts";

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
  it("throws the first error, also when the rollback fails", async () => {
    const run = database.transaction(async (transaction) => {
      const [row] = await transaction.query<{ pid: number }>({ text: "SELECT pg_backend_pid() AS pid" });
      await kill(row?.pid);
      throw new VoucherError("voucher_ended", "too late");
    });
    await expect(run).rejects.toBeInstanceOf(VoucherError);
    expect(await backend()).toBeGreaterThan(0);
  });

  it("returns its connection to the pool after a refusal by our code or by the database", async () => {
    const before = await backend();
    await expect(
      database.transaction(() => Promise.reject(new VoucherError("voucher_ended", "too late"))),
    ).rejects.toBeInstanceOf(VoucherError);
    await expect(
      database.transaction((transaction) => transaction.query({ text: "SELECT 1 / 0" })),
    ).rejects.toMatchObject({ code: "22012" });
    expect(await backend()).toBe(before);
  });

  it("does not return a hanging connection to the pool", async () => {
    const before = await backend();
    const hanging = database.transaction((transaction) => transaction.query({ text: "SELECT pg_sleep(5)" }));
    await expect(hanging).rejects.toBeInstanceOf(DatabaseUnavailableError);
    expect(await backend()).not.toBe(before);
  });
});

describe("withClient", () => {
  it("does not return a hanging connection to the pool", async () => {
    const before = await backend();
    await expect(database.withClient((client) => client.query("SELECT pg_sleep(5)"))).rejects.toThrow();
    expect(await backend()).not.toBe(before);
  });

  it("returns its connection after the database refused a statement", async () => {
    const before = await backend();
    await expect(database.withClient((client) => client.query("SELECT 1 / 0"))).rejects.toThrow();
    expect(await backend()).toBe(before);
  });

  it("throws the error that ended the measurement of the schema, not the error of the rollback", async () => {
    const holder = await test.pool.connect();
    await holder.query(`BEGIN; LOCK TABLE public.${MIGRATION_TABLE}`);
    const measuring = database.withClient(readSchemaState).catch((error: unknown) => error);
    const waiting = () =>
      test.pool.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
      );
    await eventually(async () => expect((await waiting()).rowCount).toBe(1));
    expect(await measuring).toMatchObject({ code: "57P01" });
    await holder.query("ROLLBACK");
    holder.release();
    expect(await backend()).toBeGreaterThan(0);
  });
});
