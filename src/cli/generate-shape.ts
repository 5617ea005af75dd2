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
import { createReaper } from "../playground/process/reaper.ts";
import { claimStateDirectory } from "../playground/process/state-directory.ts";

/** The schema that the migrations make, measured on the playground's PostgreSQL. */
export async function generateShape(signal: AbortSignal): Promise<string> {
  const state = claimStateDirectory(join(tmpdir(), `catalyst-generate-${randomUUID()}`));
  const reaper = createReaper();
  const server = await startDatabase({ state, reaper, settings: { fsync: "off" }, signal });
  try {
    const databaseUrl = await server.ensureDatabase("shape");
    await migrateDatabase({ databaseUrl, logger: createLogger("generate", "error"), signal });
    return await readShapeOf(databaseUrl);
  } finally {
    await server.close();
    await reaper.close();
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
