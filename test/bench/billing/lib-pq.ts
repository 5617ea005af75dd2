import pg from "pg";

type Row = (string | null)[];

/** A connection that runs statements as database/sql does over lib/pq. */
interface LibPqConnection {
  /**
   * With arguments, each call prepares a statement (one round trip), executes it (another) and closes it. Without
   * arguments, one round trip.
   */
  query(text: string, args?: readonly (string | number)[]): Promise<Row[]>;
}

export interface LibPqPool extends LibPqConnection {
  transaction<T>(run: (connection: LibPqConnection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** One exchange of messages up to ReadyForQuery. pg's client calls these methods while this query is the active one. */
class RoundTrip {
  readonly done: Promise<Row[]>;
  private readonly rows: Row[] = [];
  private resolve: (rows: Row[]) => void = () => {};
  private reject: (error: Error) => void = () => {};
  private readonly send: (connection: pg.Connection) => void;

  constructor(send: (connection: pg.Connection) => void) {
    this.send = send;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  submit(connection: pg.Connection): void {
    // Sends the messages of one round trip in one packet.
    connection.stream.cork();
    this.send(connection);
    connection.stream.uncork();
  }

  handleRowDescription(): void {}
  handleCommandComplete(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleDataRow(message: { fields: Row }): void {
    this.rows.push(message.fields);
  }
  handleError(error: Error): void {
    this.reject(error);
  }
  handleReadyForQuery(): void {
    this.resolve(this.rows);
  }
}

function connectionOf(client: pg.Client): LibPqConnection {
  const trip = (send: (connection: pg.Connection) => void) => client.query(new RoundTrip(send)).done;
  return {
    async query(text, args) {
      if (args === undefined) return trip((connection) => connection.query(text));
      await trip((connection) => {
        connection.parse({ name: "", text, types: [] }, true);
        connection.describe({ type: "S" }, true);
        connection.sync();
      });
      const rows = await trip((connection) => {
        connection.bind({ values: args.map(String) }, true);
        connection.execute({}, true);
        connection.sync();
      });
      // The client does not wait for the answer to Close.
      client.connection.close({ type: "S" }, true);
      return rows;
    },
  };
}

const MAX_OPEN = 20;
const MAX_IDLE = 5;

/** The pool of database/sql: at most 20 connections, and at most 5 idle ones. */
export function createLibPqPool(connectionString: string): LibPqPool {
  const idle: pg.Client[] = [];
  const waiting: ((client: pg.Client) => void)[] = [];
  const ending = new Set<Promise<void>>();
  let open = 0;

  async function acquire(): Promise<pg.Client> {
    const kept = idle.pop();
    if (kept !== undefined) return kept;
    if (open >= MAX_OPEN) return new Promise((resolve) => waiting.push(resolve));
    open += 1;
    const client = new pg.Client({ connectionString });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  function release(client: pg.Client): void {
    const next = waiting.shift();
    if (next !== undefined) {
      next(client);
    } else if (idle.length < MAX_IDLE) {
      idle.push(client);
    } else {
      open -= 1;
      const end = client.end().finally(() => ending.delete(end));
      ending.add(end);
    }
  }

  async function withConnection<T>(use: (connection: LibPqConnection) => Promise<T>): Promise<T> {
    const client = await acquire();
    try {
      return await use(connectionOf(client));
    } finally {
      release(client);
    }
  }

  return {
    query: (text, args) => withConnection((connection) => connection.query(text, args)),
    transaction: (run) =>
      withConnection(async (connection) => {
        await connection.query("BEGIN");
        try {
          const result = await run(connection);
          await connection.query("COMMIT");
          return result;
        } catch (error) {
          await connection.query("ROLLBACK");
          throw error;
        }
      }),
    async close() {
      await Promise.all([...idle.splice(0).map((client) => client.end()), ...ending]);
    },
  };
}
