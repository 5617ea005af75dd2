import { Kysely, PostgresDialect, sql } from "kysely";
import { Migrator } from "kysely/migration";
import pg from "pg";
import type { Logger } from "../../platform/log.ts";
import { sleep } from "../../platform/shutdown.ts";
import { createMigrationProvider } from "./migration-provider.ts";
import { type Finding, PreflightError } from "./preflight/finding.ts";
import { requireReadable, runPreflight } from "./preflight/preflight.ts";
import { foreignRecord } from "./preflight/server.ts";
import { MIGRATION_TABLE, MIGRATIONS, SCHEMA_VERSION, TABLES } from "./schema.ts";
import { readSchemaState } from "./schema-state.ts";

export interface MigrationReport {
  version: string;
  fingerprint: string;
  /** Names of the migrations that this run executed; empty when the database was there before. */
  executed: string[];
  /** What the adoption of an earlier service's rows found, each kind with its count; `adoption_findings` has rows of it. */
  findings: AdoptionFinding[];
  /** What differs from this program's shape although the version is right: somebody changed it. */
  drift: string[];
}

interface AdoptionFinding {
  kind: string;
  row_count: number;
  remedy: string;
}

/** The database was migrated by a newer (or foreign) program: this one must not touch it. */
export class UnknownSchemaError extends Error {
  override readonly name = "UnknownSchemaError";
}

/** "catalyst" in ASCII: one migration at a time for each database, whoever runs it. */
export const ADVISORY_LOCK = "7161126446424585076";
/**
 * A migration waits this long for a table before it lets everybody else pass and tries again: for all its tables together
 * less than the second after which a reader that waits for it would look for a deadlock, and die of one.
 */
const LOCK_TIMEOUT_MS = 100;
/** What ends an autovacuum that is in the way: a wait of more than that second, for one table and holding none. */
const VACUUM_TIMEOUT_MS = 1_500;
const VACUUM_EVERY = 10;
const LOCK_ATTEMPTS = 1_000;
const LOCK_PAUSE_MS = 200;
/** Lock not available, deadlock detected: somebody else was first, and nothing is done. */
const BUSY = new Set(["55P03", "40P01"]);

/**
 * Brings the database to `SCHEMA_VERSION`, whether it is empty, the earlier service's, or there already. Each migration
 * is a transaction of its own, so a killed run leaves whole steps behind and the next one goes on from there. Concurrent
 * runs queue on an advisory lock, which ends with the connection that holds it.
 */
export async function migrateDatabase(deps: {
  databaseUrl: string;
  logger: Logger;
  signal: AbortSignal;
}): Promise<MigrationReport> {
  const { databaseUrl, logger, signal } = deps;
  // One connection: the advisory lock belongs to it, and so do the session's settings.
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 1,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 0,
  });
  pool.on("error", (error) => logger.warn({ err: error }, "the database connection broke while idle"));
  const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) });
  try {
    await withClient(pool, async (client) => {
      await client.query("SET search_path = public, pg_catalog");
      await client.query("SET client_min_messages = warning");
      await client.query("SET statement_timeout = 0");
      // A killed process must not leave its statement, and with it the lock, running on the server.
      await client.query("SET client_connection_check_interval = '1s'").catch(() => {
        logger.info("the server cannot watch for vanished clients");
      });
      await requireReadable(client);
      await client.query("SELECT pg_advisory_lock($1)", [ADVISORY_LOCK]);
    });
    const before = await readMigrations(db);
    const found = await withClient(pool, (client) => runPreflight(client, before));
    for (const finding of found) logger.info({ finding }, "adoption keeps or replaces what is not its own");
    const executed = await migrateUp(db, found, logger, signal);
    return await withClient(pool, async (client) => {
      const state = await readSchemaState(client);
      if (state.version !== SCHEMA_VERSION) {
        throw new UnknownSchemaError(describeMismatch(state.version));
      }
      const { rows } = await client.query<AdoptionFinding>(
        "SELECT kind, row_count::float8 AS row_count, remedy FROM public.adoption_findings ORDER BY kind",
      );
      const { version, fingerprint, drift } = state;
      return { version, fingerprint, executed, findings: rows, drift };
    });
  } finally {
    await db.destroy();
  }
}

/** Says what was found against what this program knows, and what to do. */
export function describeMismatch(found: string | undefined): string {
  if (found === undefined) {
    return `the database has no billing schema, this program needs version ${SCHEMA_VERSION}: run catalyst migrate`;
  }
  const isNewer = found > SCHEMA_VERSION;
  return `the database is at schema version ${found}, this program needs ${SCHEMA_VERSION}: ${
    isNewer ? "run the release that migrated it" : "run catalyst migrate"
  }`;
}

async function migrateUp(
  db: Kysely<Record<string, never>>,
  findings: readonly Finding[],
  logger: Logger,
  signal: AbortSignal,
): Promise<string[]> {
  const migrator = new Migrator({
    db,
    provider: createMigrationProvider(findings),
    migrationTableName: MIGRATION_TABLE,
    migrationTableSchema: "public",
  });
  const executed: string[] = [];
  for (let attempt = 1; ; ) {
    signal.throwIfAborted();
    if (attempt % VACUUM_EVERY === 0) await endAutovacuums(db);
    await sql.raw(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`).execute(db);
    const { error, results = [] } = await migrator.migrateUp();
    if (error !== undefined) {
      const isLocked = BUSY.has((error as { code?: string }).code ?? "");
      if (!isLocked || attempt === LOCK_ATTEMPTS) throw error;
      if (attempt % VACUUM_EVERY === 1)
        logger.warn({ attempt }, "a table is busy: letting its users pass, then trying again");
      await sleep(LOCK_PAUSE_MS, signal);
      attempt += 1;
      continue;
    }
    if (results.length === 0) return executed;
    attempt = 1;
    for (const { migrationName } of results) {
      executed.push(migrationName);
      logger.info({ migration: migrationName }, "migration done");
    }
  }
}

/** Waits for each table by itself, and lets it go at once. */
async function endAutovacuums(db: Kysely<Record<string, never>>): Promise<void> {
  await sql.raw(`SET lock_timeout = ${VACUUM_TIMEOUT_MS}`).execute(db);
  for (const table of TABLES) {
    try {
      await db
        .transaction()
        .execute((transaction) =>
          sql.raw(`LOCK TABLE public.${table} IN ACCESS EXCLUSIVE MODE`).execute(transaction),
        );
    } catch {
      // Not there yet, or still in use: the next attempt says so.
    }
  }
}

/** What was executed before. Throws `UnknownSchemaError` when a newer program did it, `PreflightError` when it is nobody of ours. */
async function readMigrations(db: Kysely<Record<string, never>>): Promise<string[]> {
  const { rows: tables } = await sql<{ exists: boolean }>`
    SELECT to_regclass(${`public.${MIGRATION_TABLE}`}) IS NOT NULL AS exists`.execute(db);
  if (!tables[0]?.exists) return [];
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM ${sql.table(`public.${MIGRATION_TABLE}`)} ORDER BY name COLLATE "C"`.execute(db);
  const names = rows.map(({ name }) => name);
  const unknown = names.filter((name) => !MIGRATIONS.some((known) => known.name === name));
  if (unknown.length > 0 && unknown.length === names.length)
    throw new PreflightError([foreignRecord(MIGRATION_TABLE)]);
  if (unknown.length > 0) throw new UnknownSchemaError(describeMismatch(unknown.at(-1)));
  return names;
}

async function withClient<T>(pool: pg.Pool, use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await use(client);
  } finally {
    client.release();
  }
}
