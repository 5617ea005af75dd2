import pg from "pg";
import { findCondition } from "../../api/condition.ts";
import { SOVEREIGN, type Sovereign } from "../../api/sovereign.ts";
import { SOVEREIGN_CONDITION } from "../../api/sovereign-status.ts";
import type { KubeClient } from "../../kube/client.ts";
import { listIfServed } from "../../kube/optional-kind.ts";
import { resourceOf } from "../../kube/resource.ts";
import { errorMessage } from "../../platform/errors.ts";
import { closeConnection } from "../database-connection.ts";
import type { Check } from "./check.ts";
import { SUPPORTED } from "./supported-version.ts";

const area = "databases";
const { from, to } = SUPPORTED.postgres;
const TIMEOUT_MS = 10_000;

/**
 * The state of each Sovereign's database, as the operator reports it. The operator connects from within the cluster, which
 * this program cannot.
 */
export async function checkSovereigns(client: Pick<KubeClient, "list">): Promise<Check[]> {
  const sovereigns = (await listIfServed<Sovereign>(client, resourceOf(SOVEREIGN))) ?? [];
  return sovereigns.map(({ metadata: { name }, status }) => {
    const ready = findCondition(status?.conditions, SOVEREIGN_CONDITION.databaseReady);
    if (ready?.status === "True") return { area, state: "ok", message: `Sovereign ${name}: reachable` };
    const remedy = `see catalyst status sovereign ${name}`;
    return ready?.status === "False"
      ? { area, state: "problem", message: `Sovereign ${name}: ${ready.message}`, remedy }
      : {
          area,
          state: "unknown",
          message: `Sovereign ${name}: the operator has not reported its state yet`,
          remedy,
        };
  });
}

/** Checks whether a database can be reached from this machine, and its version. The output never contains the URL. */
export async function checkDatabase(url: string): Promise<Check[]> {
  let client: pg.Client | undefined;
  try {
    // The constructor reads the certificate files that the URL names. They may be missing here.
    client = new pg.Client({
      ...{ connectionString: url, connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS },
    });
    client.on("error", () => {});
    await client.connect();
    const { rows } = await client.query<Record<string, string>>("SHOW server_version_num");
    return [postgresCheck(Number(Object.values(rows[0] ?? {})[0]))];
  } catch (error) {
    const remedy = "correct DATABASE_URL, or let this machine and the cluster through to the database";
    return [{ area, state: "problem", message: `DATABASE_URL: ${errorMessage(error)}`, remedy }];
  } finally {
    if (client !== undefined) await closeConnection(client);
  }
}

/** `versionNumber` has PostgreSQL's own form: 180004 for 18.4. */
export function postgresCheck(versionNumber: number): Check {
  const major = Math.floor(versionNumber / 10_000);
  const message = `DATABASE_URL: reachable, PostgreSQL ${major}.${versionNumber % 10_000}`;
  const remedy = `PostgreSQL ${from} to ${to} are tested`;
  if (major < from) return { area, state: "problem", message, remedy: `upgrade it: ${remedy}` };
  return major > to ? { area, state: "unknown", message, remedy } : { area, state: "ok", message };
}
