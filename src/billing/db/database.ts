import pg from "pg";
import type { Logger } from "../../platform/log.ts";
import { CodedError, DatabaseUnavailableError } from "../errors.ts";
import { requireOwnDatabase } from "./sovereign-identity.ts";

/** One statement. With a `name`, it is prepared once for each connection. */
interface Statement {
  name?: string;
  text: string;
  values?: unknown[];
}

export interface Queryable {
  /** Returns the rows. Throws `DatabaseUnavailableError` for temporary faults, and `pg.DatabaseError` for other errors of the server. */
  query<Row>(statement: Statement): Promise<Row[]>;
}

export interface Database extends Queryable {
  /** Runs in one READ COMMITTED transaction. Commits when `run` resolves, and rolls back when it throws. */
  transaction<T>(run: (transaction: Queryable) => Promise<T>): Promise<T>;
  /** Lends a connection, for work that needs session state. `discard` closes it instead of returning it to the pool. */
  withClient<T>(use: (client: pg.PoolClient, discard: () => void) => Promise<T>): Promise<T>;
  pool: pg.Pool;
}

/** The row of a statement that always returns a row. */
export function theRow<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error("a statement that returns a row returned none");
  return row;
}

// Class 08 connection, 25006 read-only (during a failover), 53 resources, 55P03 and 57014 timeouts, 57P0x shutdown,
// 40001 and 40P01 conflict with another transaction (nothing was written).
const TEMPORARY_SQLSTATE = /^(08|53|57P0|25006|55P03|57014|40001|40P01)/;

/** The limit of each statement, as SQL. The check of redemptions counts on it. */
export const STATEMENT_TIMEOUT = "10s";

/** Settings of every connection. Names resolve in `public` for any search_path of the role, and every wait has a limit. */
const SESSION_SQL = `SET search_path = public, pg_catalog; SET statement_timeout = '${STATEMENT_TIMEOUT}'; SET lock_timeout = '5s';
  SET idle_in_transaction_session_timeout = '15s'`;

/**
 * With `sovereignFqdn`, each connection is refused while the database belongs to another Sovereign. So after a wrong change
 * of DNS or of a Service, the server that then answers at this address never receives an order.
 */
export function createPool(
  databaseUrl: string,
  maxConnections: number,
  logger: Logger,
  sovereignFqdn?: string,
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: maxConnections,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 60_000,
    query_timeout: 20_000,
    keepAlive: true,
    application_name: "catalyst-billing",
    // The pool awaits this before it lends the connection. Its types declare only the synchronous form.
    onConnect: (client): void => prepareConnection(client, sovereignFqdn) as unknown as undefined,
  });
  // The next request replaces a failed idle connection. Without a listener, the event would end the process.
  pool.on("error", (error) => logger.warn({ err: error.message }, "an idle database connection failed"));
  return pool;
}

async function prepareConnection(client: pg.ClientBase, sovereignFqdn: string | undefined): Promise<void> {
  await client.query(SESSION_SQL);
  if (sovereignFqdn !== undefined) await requireOwnDatabase(client, sovereignFqdn);
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
    // A connection that fails while it is lent reports it twice: to the query, and here.
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
    // The pool's own `query` would close the connection after every error, even after a constraint violation.
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
          // The first error is the cause, so it is the one to throw.
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

/** The one place that distinguishes a temporary fault from a bug: by SQLSTATE, and by whether the server or the driver raised it. */
export function classify(error: unknown): unknown {
  if (error instanceof pg.DatabaseError) {
    return TEMPORARY_SQLSTATE.test(error.code ?? "") ? new DatabaseUnavailableError(error) : error;
  }
  // No SQLSTATE: the error comes from the driver (refused, reset, timed out, closed), not from the server.
  return error instanceof Error && !(error instanceof TypeError)
    ? new DatabaseUnavailableError(error)
    : error;
}

/**
 * Describes an error that the statement's values caused: a bad value (class 22), a constraint (23), a limit such as the size
 * of an index entry (54). Undefined for every other error. Names state and constraint, because the server's text quotes values.
 */
export function describeRefusal(error: unknown, what: string): string | undefined {
  if (!(error instanceof pg.DatabaseError) || !/^(22|23|54)/.test(error.code ?? "")) return undefined;
  return `${what} (${[error.code, error.constraint].filter(Boolean).join(" ")})`;
}

/** Whether the error is a unique violation. */
export const isTaken = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === "23505";

/**
 * Whether the server or this program raised the error. The connection is then usable. After other errors it may still be
 * busy.
 */
function isRefusal(error: unknown): boolean {
  const raised = error instanceof DatabaseUnavailableError ? error.cause : error;
  return raised instanceof pg.DatabaseError || raised instanceof CodedError;
}
