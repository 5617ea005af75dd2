import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { fingerprintOf, readSchema } from "../billing/db/fingerprint.ts";
import { migrateDatabase } from "../billing/db/migrate.ts";
import { SCHEMA_VERSION } from "../billing/db/schema.ts";
import { formatSchema } from "../billing/db/schema-file.ts";
import { createLogger } from "../platform/log.ts";
import { startDatabase } from "../playground/postgres.ts";
import { claimStateDirectory } from "../playground/process/state-directory.ts";
import { createWatchdog } from "../playground/process/watchdog.ts";

/** Runs the migrations on a temporary PostgreSQL, and returns the text of src/billing/db/schema.sql. */
export async function generateSchema(signal: AbortSignal): Promise<string> {
  const state = claimStateDirectory(join(tmpdir(), `catalyst-generate-${randomUUID()}`));
  const watchdog = createWatchdog();
  const server = await startDatabase({ state, watchdog, settings: { fsync: "off" }, signal });
  try {
    const databaseUrl = await server.ensureDatabase("schema");
    await migrateDatabase({ databaseUrl, logger: createLogger("generate", "error"), signal });
    return await describeDatabase(databaseUrl);
  } finally {
    await server.close();
    await watchdog.close();
    state.release(true);
  }
}

export async function describeDatabase(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { objects } = await readSchema(client);
    return formatSchema(SCHEMA_VERSION, fingerprintOf(objects), objects);
  } finally {
    await client.end();
  }
}
