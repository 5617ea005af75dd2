import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/**
 * A server that accepts every login by PostgreSQL's protocol, to any database. A machine cannot run ten thousand real
 * databases. Every table is empty, and every advisory lock is free. It counts the operator's queries.
 */
export interface DatabaseServer {
  port: number;
  counts(): { open: number; logins: number; queries: number };
}

const SSL_REQUEST = 80_877_103;
const message = (type: string, body: Buffer) => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const text = (value: string) => Buffer.from(`${value}\0`);
const done = (tag: string) => message("C", text(tag));
const int16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const parameter = (name: string, value: string) => message("S", Buffer.concat([text(name), text(value)]));

const READY = message("Z", Buffer.from("I"));
const LOGGED_IN = Buffer.concat([
  message("R", Buffer.alloc(4)),
  parameter("server_version", "18.0"),
  parameter("client_encoding", "UTF8"),
  parameter("standard_conforming_strings", "on"),
  message("K", Buffer.alloc(8)),
  READY,
]);
/** A row description with one column of type bool, in text format. */
const LOCK_COLUMN = message(
  "T",
  Buffer.concat([int16(1), text("taken"), int32(0), int16(0), int32(16), int16(1), int32(-1), int16(0)]),
);
const LOCK_ROW = Buffer.concat([
  message("D", Buffer.concat([int16(1), int32(1), Buffer.from("t")])),
  done("SELECT 1"),
]);
const NO_COLUMNS = message("n", Buffer.alloc(0));
const PARSED = message("1", Buffer.alloc(0));
const BOUND = message("2", Buffer.alloc(0));
const CLOSED = message("3", Buffer.alloc(0));
const TAKES_LOCK = "pg_try_advisory_lock";

export async function startDatabaseServer(): Promise<DatabaseServer> {
  const counts = { open: 0, logins: 0, queries: 0 };
  const server = createServer((socket) => {
    counts.open += 1;
    socket.on("close", () => {
      counts.open -= 1;
    });
    socket.on("error", () => {});
    serve(socket, counts);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, counts: () => ({ ...counts }) };
}

function serve(socket: Socket, counts: { logins: number; queries: number }): void {
  let unread = Buffer.alloc(0);
  let isLoggedIn = false;
  /** Names of the prepared statements that take a lock. */
  const locking = new Set<string>();
  let isLocking = false;
  socket.on("data", (chunk: Buffer) => {
    // Like PostgreSQL, it sends the answers to one batch together. One packet for each would cost the operator more.
    socket.cork();
    receive(chunk);
    socket.uncork();
  });

  function receive(chunk: Buffer): void {
    unread = Buffer.concat([unread, chunk]);
    for (;;) {
      const headLength = isLoggedIn ? 1 : 0;
      if (unread.length < headLength + 4) return;
      const length = unread.readInt32BE(headLength) + headLength;
      if (unread.length < length) return;
      const request = unread.subarray(0, length);
      unread = unread.subarray(length);
      if (isLoggedIn) answer(request);
      else if (request.readInt32BE(4) === SSL_REQUEST) socket.write("N");
      else logIn();
    }
  }

  function logIn(): void {
    isLoggedIn = true;
    counts.logins += 1;
    socket.write(LOGGED_IN);
  }

  function answer(request: Buffer): void {
    const type = String.fromCharCode(request[0] ?? 0);
    if (type === "X") return void socket.end();
    if (type === "Q" || type === "E") counts.queries += 1;
    socket.write(answerOf(type, request));
  }

  function answerOf(type: string, request: Buffer): Buffer {
    if (type === "Q") {
      const takesLock = request.includes(TAKES_LOCK);
      return Buffer.concat([...(takesLock ? [LOCK_COLUMN, LOCK_ROW] : [done("SELECT 0")]), READY]);
    }
    if (type === "P") {
      const [name = "", sql = ""] = request.toString("utf8", 5).split("\0");
      if (sql.includes(TAKES_LOCK)) locking.add(name);
      else locking.delete(name);
      return PARSED;
    }
    if (type === "B") {
      const [, statement = ""] = request.toString("utf8", 5).split("\0");
      isLocking = locking.has(statement);
      return BOUND;
    }
    if (type === "D") return isLocking ? LOCK_COLUMN : NO_COLUMNS;
    if (type === "E") return isLocking ? LOCK_ROW : done("SELECT 0");
    return type === "C" ? CLOSED : type === "S" ? READY : Buffer.alloc(0);
  }
}
