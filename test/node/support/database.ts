import { appendFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { startDatabase } from "../../../src/playground/postgres.ts";
import { claimStateDirectory } from "../../../src/playground/process/state-directory.ts";
import { createWatchdog } from "../../../src/playground/process/watchdog.ts";
import { DATABASE_HOST } from "./address.ts";

/** PostgreSQL on the machine beside the node, like a managed database. The node's faults do not affect it. */
export interface NodeDatabase {
  ensureDatabase(name: string): Promise<string>;
  ensureServingRole(name: string): Promise<string>;
  /** The URL of the superuser, without a database. */
  superuserUrl: string;
  close(): Promise<void>;
}

export async function startNodeDatabase(folder: string): Promise<NodeDatabase> {
  const state = claimStateDirectory(join(folder, "database"));
  const watchdog = createWatchdog();
  const settings = { listen_addresses: "*", fsync: "off", synchronous_commit: "off", max_connections: "200" };
  const server = await startDatabase({ state, watchdog, settings });
  // initdb allows only connections from loopback.
  appendFileSync(state.file("postgres/pg_hba.conf"), "host all all all scram-sha-256\n");
  const client = new pg.Client({ connectionString: `${server.superuserUrl}/postgres` });
  await client.connect();
  await client.query("SELECT pg_reload_conf()");
  await client.end();
  const asSeenByPods = (url: string) => url.replace("@127.0.0.1:", `@${DATABASE_HOST}:`);
  return {
    superuserUrl: asSeenByPods(server.superuserUrl),
    ensureDatabase: async (name) => asSeenByPods(await server.ensureDatabase(name)),
    ensureServingRole: async (name) => asSeenByPods(await server.ensureServingRole(name)),
    async close() {
      await server.close();
      await watchdog.close();
      state.release(true);
    },
  };
}
