import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/**
 * A server that accepts every login by PostgreSQL's protocol, on as many databases as asked for, and answers each query
 * with no rows. It stands in for ten thousand databases, of which a machine cannot hold the real ones, and counts what
 * the operator asks of them.
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
const NO_ROWS = Buffer.concat([message("T", Buffer.alloc(2)), message("C", text("SELECT 0"))]);
/** Answers of the extended protocol by the request's type; others have no answer. */
const ANSWERS: Record<string, Buffer> = {
  P: message("1", Buffer.alloc(0)),
  B: message("2", Buffer.alloc(0)),
  D: message("n", Buffer.alloc(0)),
  E: message("C", text("SELECT 0")),
  C: message("3", Buffer.alloc(0)),
  S: READY,
};

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
  socket.on("data", (chunk: Buffer) => {
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
  });

  function logIn(): void {
    isLoggedIn = true;
    counts.logins += 1;
    socket.write(LOGGED_IN);
  }

  function answer(request: Buffer): void {
    const type = String.fromCharCode(request[0] ?? 0);
    if (type === "X") return void socket.end();
    if (type === "Q" || type === "E") counts.queries += 1;
    if (type === "Q") return void socket.write(Buffer.concat([NO_ROWS, READY]));
    const reply = ANSWERS[type];
    if (reply !== undefined) socket.write(reply);
  }
}
