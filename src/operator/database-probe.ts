import pg from "pg";
import { readSchemaVersion } from "../billing/db/fingerprint.ts";
import { describeForeignOwner, readSovereignIdentity } from "../billing/db/sovereign-identity.ts";
import type { DatabaseProbe } from "../controllers/sovereign/measurement.ts";
import { closeConnection } from "./database-connection.ts";
import { describeDatabaseFailure } from "./database-failure.ts";
import { clusterUrl } from "./database-url.ts";

const TIMEOUT_MS = 3_000;
const INSUFFICIENT_PRIVILEGE = "42501";
const INVALID_URL: DatabaseProbe = {
  kind: "unready",
  reason: "the URL is not postgresql://user:password@host:port/database",
};
const FILES_OF_WORKLOAD: DatabaseProbe = {
  kind: "untested",
  reason: "the URL names TLS files of the workload",
};

/**
 * Logs in as the workload will, and reads which Sovereign the database belongs to and its schema version. A host name
 * without dots is a Service in `namespace`.
 */
export async function probeDatabase({
  databaseUrl,
  namespace,
  fqdn,
}: {
  databaseUrl: string;
  namespace: string;
  /** The Sovereign whose spec names the database. */
  fqdn: string;
}): Promise<DatabaseProbe> {
  let client: pg.Client;
  try {
    client = new pg.Client({
      connectionString: clusterUrl(databaseUrl, namespace),
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      application_name: "catalyst-operator",
    });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? FILES_OF_WORKLOAD : INVALID_URL;
  }
  // A connection that breaks after the login emits `error`. Without a listener, this ends the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    const owner = await readSovereignIdentity(client);
    const foreign = describeForeignOwner(owner, fqdn);
    if (foreign !== undefined) return { kind: "foreign", reason: foreign };
    return { kind: "ready", ...(await readVersion(client)) };
  } catch (error) {
    return { kind: "unready", reason: describeDatabaseFailure(error) };
  } finally {
    await closeConnection(client);
  }
}

/** Before the first migration, the serving role may not read the version. */
async function readVersion(client: pg.Client): Promise<{ schemaVersion?: string | null }> {
  try {
    return { schemaVersion: (await readSchemaVersion(client)) ?? null };
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === INSUFFICIENT_PRIVILEGE) return {};
    throw error;
  }
}
