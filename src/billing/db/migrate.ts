import { Kysely, PostgresDialect, sql } from "kysely";
import { type MigrationProvider, Migrator } from "kysely/migration";
import pg from "pg";
import type { Logger } from "../../platform/log.ts";
import { sleep } from "../../platform/shutdown.ts";
import { isCompatible, recordCompatibility } from "./compatibility.ts";
import { readSchemaVersion } from "./fingerprint.ts";
import { createMigrationProvider } from "./migration-provider.ts";
import { PreflightError } from "./preflight/finding.ts";
import { requireReadable, runPreflight } from "./preflight/preflight.ts";
import { foreignRecord } from "./preflight/server.ts";
import { MIGRATION_TABLE, MIGRATIONS, SCHEMA_VERSION, TABLES } from "./schema.ts";
import { readSchemaState } from "./schema-state.ts";
import { findUnprotectedBooks, grantServing, type RoleFinding, readServingRole } from "./serving-role.ts";
import { claimDatabase, requireOwnDatabase } from "./sovereign-identity.ts";

export interface MigrationReport {
  version: string;
  fingerprint: string;
  /** Names of the migrations that this run executed. Empty if the database was at the version before. */
  executed: string[];
  /**
   * Findings of the adoption of the earlier service's rows: each kind with its count. Table `adoption_findings` has
   * samples.
   */
  findings: AdoptionFinding[];
  /** Objects that differ from schema.sql although the version is right: the schema was changed by hand. */
  drift: string[];
  /** Serving roles that could change the books unnoticed. */
  roles: RoleFinding[];
}

interface AdoptionFinding {
  kind: string;
  row_count: number;
  remedy: string;
}

/** A newer or a foreign program migrated the database, so this program must not use it. */
export class UnknownSchemaError extends Error {
  override readonly name = "UnknownSchemaError";
}

/** "catalyst" in ASCII. The lock lets only one process migrate a database at a time. */
export const ADVISORY_LOCK = "7161126446424585076";
/**
 * How long a migration waits for a table before it releases its locks and tries again. The wait for all tables together is
 * shorter than PostgreSQL's deadlock_timeout of 1 s. With a longer wait, a reader that waits for the migration could end
 * with a deadlock error.
 */
const LOCK_TIMEOUT_MS = 100;
/**
 * Longer than deadlock_timeout, so that the wait cancels an autovacuum. It waits for one table at a time and holds no other
 * lock.
 */
const VACUUM_TIMEOUT_MS = 1_500;
const VACUUM_EVERY = 10;
const LOCK_ATTEMPTS = 1_000;
const LOCK_PAUSE_MS = 200;
const INSUFFICIENT_PRIVILEGE = "42501";
/** Lock not available, deadlock detected: the transaction was rolled back, so the migration can be tried again. */
const BUSY = new Set(["55P03", "40P01"]);

/**
 * Brings the database to `SCHEMA_VERSION`: an empty one, the earlier service's, or one of an older version. Each migration
 * is its own transaction. A run that is killed therefore leaves only complete migrations, and the next run continues after
 * them. Concurrent runs wait for an advisory lock, which PostgreSQL releases when the connection ends.
 */
export async function migrateDatabase(deps: {
  databaseUrl: string;
  /** The URL with which `catalyst billing` serves. Its role gets the rights to serve, and the migrating role owns everything. */
  servingUrl?: string | undefined;
  /**
   * The Sovereign that the database is for. A database without a Sovereign is assigned to it, and a database of another
   * Sovereign is refused.
   */
  sovereignFqdn?: string | undefined;
  logger: Logger;
  signal: AbortSignal;
}): Promise<MigrationReport> {
  const { databaseUrl, servingUrl, sovereignFqdn, logger, signal } = deps;
  // One connection, because the advisory lock and the session's settings belong to a connection.
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 1,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 0,
  });
  pool.on("error", (error) => logger.warn({ err: error }, "the idle database connection failed"));
  const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) });
  try {
    await withClient(pool, async (client) => {
      await client.query("SET search_path = public, pg_catalog");
      await client.query("SET client_min_messages = warning");
      await client.query("SET statement_timeout = 0");
      // If the process is killed, the server must end its statement, which would otherwise keep the lock.
      await client.query("SET client_connection_check_interval = '1s'").catch(() => {
        logger.info("the server does not support client_connection_check_interval");
      });
      await requireReadable(client);
      await client.query("SELECT pg_advisory_lock($1)", [ADVISORY_LOCK]);
      // The lock is held, so that only one of two Sovereigns with the same database can claim it.
      if (sovereignFqdn !== undefined) await requireOwnDatabase(client, sovereignFqdn);
    });
    const newer = await withClient(pool, readNewerSchema);
    if (newer !== undefined) {
      logger.info(
        { version: newer.version },
        "a newer program migrated the database, and this one works with it",
      );
      return { ...newer, executed: [], findings: [], roles: [] };
    }
    const before = await readMigrations(db);
    const found = await withClient(pool, (client) => runPreflight(client, before));
    for (const finding of found)
      logger.info(
        { finding },
        "adoption keeps or replaces an object that the earlier service did not create",
      );
    const provider = createMigrationProvider({ findings: found, sovereignFqdn });
    const executed = await migrateUp(db, provider, logger, signal);
    return await withClient(pool, async (client) => {
      const state = await readSchemaState(client);
      if (state.version !== SCHEMA_VERSION) {
        throw new UnknownSchemaError(describeMismatch(state.version));
      }
      // Each migration recorded it, but a program before that may have migrated the database.
      await recordCompatibility(client, MIGRATIONS);
      const { rows } = await client.query<AdoptionFinding>(
        "SELECT kind, row_count::float8 AS row_count, remedy FROM public.adoption_findings ORDER BY kind",
      );
      if (sovereignFqdn !== undefined) await claimDatabase(client, sovereignFqdn);
      await separateRoles(client, servingUrl, logger);
      const roles = await findUnprotectedBooks(client);
      const { version, fingerprint, drift } = state;
      return { version, fingerprint, executed, findings: rows, drift, roles };
    });
  } finally {
    await db.destroy();
    // Kysely ends only a pool that it has used. A run that was refused before must not keep the lock.
    if (!pool.ended) await pool.end();
  }
}

/** The schema of a newer program, if it works with this one: a rollout then went back to this image. */
async function readNewerSchema(client: pg.PoolClient) {
  const version = await readSchemaVersion(client);
  if (version === undefined || version <= SCHEMA_VERSION || !(await isCompatible(client, version)))
    return undefined;
  const { fingerprint, drift } = await readSchemaState(client);
  return { version, fingerprint, drift };
}

/** Names the version that was found, the version that this program needs, and the remedy. */
export function describeMismatch(found: string | undefined): string {
  if (found === undefined) {
    return `the database has no billing schema, this program needs version ${SCHEMA_VERSION}: run catalyst migrate`;
  }
  const isNewer = found > SCHEMA_VERSION;
  return `the database is at schema version ${found}, this program needs ${SCHEMA_VERSION}: ${
    isNewer ? "run the release that migrated it" : "run catalyst migrate"
  }`;
}

/**
 * Does nothing without a serving URL. It is a finding when one role serves and migrates, or when the migrating role cannot
 * replace an owner. The database works in both cases.
 */
async function separateRoles(
  client: pg.PoolClient,
  servingUrl: string | undefined,
  logger: Logger,
): Promise<void> {
  if (servingUrl === undefined) return;
  const role = await readServingRole(servingUrl, client);
  const { rows } = await client.query<{ role: string }>("SELECT current_user::text AS role");
  if (role === rows[0]?.role) return;
  await grantServing(client, role).catch((error: unknown) => {
    if ((error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    logger.warn(
      { err: error, role },
      "the migrating role cannot become the owner of every table: an administrator runs REASSIGN OWNED BY the present owner",
    );
  });
}

async function migrateUp(
  db: Kysely<Record<string, never>>,
  provider: MigrationProvider,
  logger: Logger,
  signal: AbortSignal,
): Promise<string[]> {
  const migrator = new Migrator({
    db,
    provider,
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
        logger.warn({ attempt }, "a table is in use: the migration releases its locks and tries again");
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

/** Locks each table alone and releases it at once. */
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
      // The table does not exist yet, or is still in use. Then the next attempt fails and reports it.
    }
  }
}

/**
 * The migrations that ran before. Throws `UnknownSchemaError` if a newer release ran some of them, and `PreflightError` if
 * another program ran all of them.
 */
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
