import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { MIGRATIONS, SCHEMA_VERSION } from "../../../../src/billing/db/schema.ts";
import { fillEarlierTables } from "../../../support/builder/earlier-service.ts";
import {
  database,
  earlierRows,
  referenceOf,
  useMigrationDatabases,
} from "../../../support/server/migration-database.ts";
import { eventually } from "../../../support/wait.ts";

useMigrationDatabases();

const MAIN = resolve(import.meta.dirname, "../../../../src/cli/main.ts");

describe("catalyst migrate", () => {
  function run(url: string, env: Record<string, string> = {}) {
    const child = spawn(process.execPath, [MAIN, "migrate"], {
      env: { PATH: process.env.PATH ?? "", DATABASE_URL: url, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.resume();
    return { child, exit: once(child, "close").then(([code]) => ({ code, stdout })) };
  }

  it("prints one JSON line, writes it to TERMINATION_LOG, and exits with 0 also the second time", async () => {
    const one = await database();
    const log = join(tmpdir(), `termination-${process.pid}`);
    const first = await run(one.url, { TERMINATION_LOG: log }).exit;
    const second = await run(one.url).exit;
    expect(first.code).toBe(0);
    expect(JSON.parse(first.stdout)).toEqual({ version: SCHEMA_VERSION, fingerprint: await referenceOf() });
    expect(readFileSync(log, "utf8")).toBe(first.stdout);
    expect(second).toEqual(first);
    rmSync(log);
  });

  it("continues in the next run after kill -9", async () => {
    const one = await database();
    await fillEarlierTables(one.pool);
    const before = await earlierRows(one.pool);
    // This transaction keeps the migration waiting until it is killed.
    const holder = await one.pool.connect();
    await holder.query("BEGIN; LOCK TABLE invoices IN ACCESS SHARE MODE");
    const killed = run(one.url);
    const waiting =
      "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'invoices'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    await eventually(async () => expect((await one.pool.query(waiting)).rows.length).toBeGreaterThan(0));
    killed.child.kill("SIGKILL");
    await killed.exit;
    await holder.query("COMMIT");
    holder.release();
    expect((await run(one.url).exit).code).toBe(0);
    expect(await earlierRows(one.pool)).toEqual(before);
    const { rows } = await one.pool.query("SELECT name FROM kysely_migration ORDER BY name");
    expect(rows.map(({ name }) => name)).toEqual(MIGRATIONS.map(({ name }) => name));
  });

  it("exits with 2 without DATABASE_URL, and with 1 when the database is down", async () => {
    expect((await run("").exit).code).toBe(2);
    expect((await run("postgres://postgres@127.0.0.1:1/none").exit).code).toBe(1);
  });
});
