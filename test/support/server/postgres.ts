import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { migrateDatabase } from "../../../src/billing/db/migrate.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { startDatabase } from "../../../src/playground/postgres.ts";
import { claimStateDirectory } from "../../../src/playground/process/state-directory.ts";
import { createWatchdog } from "../../../src/playground/process/watchdog.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Superuser URL of the run's PostgreSQL, without a database name. */
    postgresUrl: string;
  }
}

const TEMPLATE = "catalyst_template";
/** Serves in the migrated databases. The superuser of the tests owns them. */
const SERVING_ROLE = "catalyst_serving";

/** vitest globalSetup: one real PostgreSQL for the run, on loopback, with a migrated template database. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const state = claimStateDirectory(join(tmpdir(), `catalyst-postgres-${randomUUID()}`));
  const watchdog = createWatchdog();
  const settings = { fsync: "off", synchronous_commit: "off", max_connections: "300" };
  const server = await startDatabase({ state, watchdog, settings });
  const url = server.superuserUrl;
  await onServer(url, `CREATE DATABASE ${TEMPLATE}`);
  await onServer(url, `CREATE ROLE ${SERVING_ROLE} LOGIN PASSWORD '${SERVING_ROLE}'`);
  await migrateDatabase({
    databaseUrl: `${url}/${TEMPLATE}`,
    servingUrl: servingUrlOf(`${url}/${TEMPLATE}`),
    logger: createLogger("test", "silent"),
    signal: new AbortController().signal,
  });
  project.provide("postgresUrl", url);
  return async () => {
    await server.close();
    await watchdog.close();
    state.release(true);
  };
}

export interface TestDatabase {
  url: string;
  /** The URL of the serving role. An empty database has no such role yet, so there it equals `url`. */
  servingUrl: string;
  pool: pg.Pool;
  drop(): Promise<void>;
}

let databaseCount = 0;

/** A new database: a clone of the migrated template, or an empty one. */
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
    servingUrl: kind === "migrated" ? servingUrlOf(url) : url,
    pool,
    async drop() {
      await pool.end();
      await onServer(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

function servingUrlOf(url: string): string {
  const serving = new URL(url);
  serving.username = SERVING_ROLE;
  serving.password = SERVING_ROLE;
  return serving.href;
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
