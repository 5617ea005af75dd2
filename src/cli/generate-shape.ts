import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { formatShape } from "../billing/db/drift.ts";
import { fingerprintOf, readSchema } from "../billing/db/fingerprint.ts";
import { migrateDatabase } from "../billing/db/migrate.ts";
import { SCHEMA_VERSION } from "../billing/db/schema.ts";
import { createLogger } from "../platform/log.ts";
import { startDatabase } from "../playground/database/postgres.ts";
import { claimStateDirectory } from "../playground/process/state-directory.ts";
import { createWatchdog } from "../playground/process/watchdog.ts";

/** The schema that the migrations make, measured on the playground's PostgreSQL. */
export async function generateShape(signal: AbortSignal): Promise<string> {
  const state = claimStateDirectory(join(tmpdir(), `catalyst-generate-${randomUUID()}`));
  const watchdog = createWatchdog();
  const server = await startDatabase({ state, watchdog, settings: { fsync: "off" }, signal });
  try {
    const databaseUrl = await server.ensureDatabase("shape");
    await migrateDatabase({ databaseUrl, logger: createLogger("generate", "error"), signal });
    return await readShapeOf(databaseUrl);
  } finally {
    await server.close();
    await watchdog.close();
    state.release(true);
  }
}

export async function readShapeOf(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { objects } = await readSchema(client);
    return formatShape(SCHEMA_VERSION, fingerprintOf(objects), objects);
  } finally {
    await client.end();
  }
}
