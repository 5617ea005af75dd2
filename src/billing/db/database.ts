import pg from "pg";
import type { Logger } from "../../platform/log.ts";
import { CodedError, DatabaseUnavailableError } from "../errors.ts";

/** One statement; with a `name` it is prepared once for each connection. */
interface Statement {
  name?: string;
  text: string;
  values?: unknown[];
}

export interface Queryable {
  /** The rows. Throws `DatabaseUnavailableError` when the database is away, and `pg.DatabaseError` for the rest. */
  query<Row>(statement: Statement): Promise<Row[]>;
}

export interface Database extends Queryable {
  /** Runs in one READ COMMITTED transaction: committed when `run` resolves, rolled back when it throws. */
  transaction<T>(run: (transaction: Queryable) => Promise<T>): Promise<T>;
  /** A connection of one's own, for session state; one that was discarded is closed instead of given back. */
  withClient<T>(use: (client: pg.PoolClient, discard: () => void) => Promise<T>): Promise<T>;
  pool: pg.Pool;
}

/** The row of a statement that always returns one. */
export function theRow<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error("a statement that returns a row returned none");
  return row;
}

// Class 08 connection, 25006 read-only (a failover under way), 53 resources, 55P03 and 57014 timeouts, 57P0x shutdown,
// 40001 and 40P01: another transaction won, nothing was written.
const PASSING_SQLSTATE = /^(08|53|57P0|25006|55P03|57014|40001|40P01)/;

/** Settings of every connection: names resolve in `public` whatever the role's search_path, and nothing hangs for ever. */
const SESSION_SQL = `SET search_path = public, pg_catalog; SET statement_timeout = '10s'; SET lock_timeout = '5s';
  SET idle_in_transaction_session_timeout = '15s'`;

export function createPool(databaseUrl: string, maxConnections: number, logger: Logger): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: maxConnections,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 60_000,
    query_timeout: 20_000,
    keepAlive: true,
    application_name: "catalyst-billing",
    // Awaited by the pool before the connection is lent out; its types know only the synchronous form.
    onConnect: (client): void => client.query(SESSION_SQL) as unknown as undefined,
  });
  // An idle connection that breaks is replaced by the next request; unheard, the event would end the process.
  pool.on("error", (error) => logger.warn({ err: error.message }, "an idle database connection broke"));
  return pool;
}

export function createDatabase(pool: pg.Pool): Database {
  async function withClient<T>(use: (client: pg.PoolClient, discard: () => void) => Promise<T>): Promise<T> {
    const client = await pool.connect().catch((error: unknown) => {
      throw classify(error);
    });
    let broken = false;
    const discard = () => {
      broken = true;
    };
    // A connection that breaks while it is lent out says so twice: to the query, and here.
    client.on("error", discard);
    try {
      return await use(client, discard);
    } catch (error) {
      broken ||= !isRefusal(error);
      throw error;
    } finally {
      client.off("error", discard);
      client.release(broken);
    }
  }

  return {
    pool,
    withClient,
    // Not the pool's own `query`: that closes the connection after any error, a broken constraint too.
    query: <Row>(statement: Statement) => withClient((client) => queryableOf(client).query<Row>(statement)),
    transaction: (run) =>
      withClient(async (client, discard) => {
        const queryable = queryableOf(client);
        await queryable.query({ text: "BEGIN" });
        try {
          const result = await run(queryable);
          await queryable.query({ text: "COMMIT" });
          return result;
        } catch (error) {
          // What went wrong first is what went wrong.
          await client.query("ROLLBACK").catch(discard);
          throw error;
        }
      }),
  };
}

function queryableOf(client: pg.ClientBase): Queryable {
  return {
    async query<Row>(statement: Statement): Promise<Row[]> {
      try {
        return (await client.query(statement)).rows as Row[];
      } catch (error) {
        throw classify(error);
      }
    },
  };
}

/** The one place that tells a passing fault from a bug: by SQLSTATE, and by where the error was born. */
export function classify(error: unknown): unknown {
  if (error instanceof pg.DatabaseError) {
    return PASSING_SQLSTATE.test(error.code ?? "") ? new DatabaseUnavailableError(error) : error;
  }
  // No SQLSTATE: the driver itself gave up (refused, reset, timed out, closed), never the server.
  return error instanceof Error && !(error instanceof TypeError)
    ? new DatabaseUnavailableError(error)
    : error;
}

/**
 * What to tell of a statement that the database refused for what it was given: a value (class 22), a constraint (23), more
 * than an index holds (54). Undefined for every other fault. By state and constraint: the server's own text quotes values.
 */
export function describeRefusal(error: unknown, what: string): string | undefined {
  if (!(error instanceof pg.DatabaseError) || !/^(22|23|54)/.test(error.code ?? "")) return undefined;
  return `${what} (${[error.code, error.constraint].filter(Boolean).join(" ")})`;
}

/** Whether a unique name was taken already. */
export const isTaken = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === "23505";

/** Said by the server, or by ourselves: the connection is as good as before. Whatever else was thrown, it may still be busy. */
function isRefusal(error: unknown): boolean {
  const said = error instanceof DatabaseUnavailableError ? error.cause : error;
  return said instanceof pg.DatabaseError || said instanceof CodedError;
}
