import pg from "pg";

/** Whether a database takes a login now; `reason` never holds the URL or its password. */
export type DatabaseProbe =
  | { kind: "answers" }
  | { kind: "silent"; reason: string }
  /** The URL refers to files (TLS certificates) that only the workload has. */
  | { kind: "untried"; reason: string };

const TIMEOUT_MS = 3_000;

const REFUSALS: Record<string, string> = {
  "28P01": "it refuses the user or the password",
  "28000": "it refuses the user or the password",
  "3D000": "it has no database of this name",
  "53300": "it has no connection left",
  "57P03": "it is starting or shutting down",
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "its host name is not known",
  EAI_AGAIN: "its host name is not known",
  ECONNRESET: "it closed the connection",
  ETIMEDOUT: "it does not answer",
};

/** Logs in and out again, as the workload will. A bare host name is one of `namespace`'s Services. */
export async function probeDatabase(databaseUrl: string, namespace: string): Promise<DatabaseProbe> {
  let client: pg.Client;
  try {
    const url = new URL(databaseUrl);
    if (!["postgres:", "postgresql:"].includes(url.protocol)) throw new TypeError("not a Postgres URL");
    if (/^[a-z0-9-]+$/i.test(url.hostname) && url.hostname !== "localhost")
      url.hostname = `${url.hostname}.${namespace}.svc`;
    client = new pg.Client({
      connectionString: url.toString(),
      connectionTimeoutMillis: TIMEOUT_MS,
      application_name: "catalyst-operator",
    });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT"
      ? { kind: "untried", reason: "the URL names TLS files of the workload" }
      : { kind: "silent", reason: "the URL is not postgresql://user:password@host:port/database" };
  }
  // A connection that breaks after the login says so as an event; unheard, it would end the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return { kind: "answers" };
  } catch (error) {
    const { code = "" } = error as { code?: string };
    return { kind: "silent", reason: REFUSALS[code] ?? `it does not answer (${code || "timeout"})` };
  } finally {
    await client.end().catch(() => undefined);
  }
}
