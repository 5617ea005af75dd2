import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/**
 * A kept-alive HTTP/1.1 connection with one request at a time. A library's client would use as much processor time as
 * the server under test. This one writes prepared bytes, and reads as far as `Content-Length` says.
 */
export interface HttpConnection {
  send(request: Buffer): Promise<HttpAnswer>;
  /** False after the server has closed it, as it does after some idle time. */
  isOpen(): boolean;
  close(): void;
}

/** Sends each request on an idle connection, or on a new one. */
export interface HttpClient {
  send(request: Buffer): Promise<HttpAnswer>;
  close(): void;
}

interface HttpAnswer {
  status: number;
  body: string;
}

const HEAD_END = Buffer.from("\r\n\r\n");

export const openHttpConnection = (port: number): HttpConnection =>
  overSocket(connect({ port, host: "127.0.0.1", noDelay: true }));

/**
 * Connections are idle between rounds. On a slow machine this is longer than the server keeps an idle connection, and a
 * closed connection must not end the bench.
 */
export function createHttpClient(port: number): HttpClient {
  const idle: HttpConnection[] = [];
  return {
    async send(request) {
      let connection = idle.pop();
      while (connection?.isOpen() === false) connection = idle.pop();
      connection ??= openHttpConnection(port);
      const answer = await connection.send(request);
      idle.push(connection);
      return answer;
    },
    close() {
      for (const connection of idle.splice(0)) connection.close();
    },
  };
}

/**
 * Opens a connection over TLS, and waits for the handshake. It accepts every certificate, because the server is on this
 * machine.
 */
export async function openTlsConnection(port: number): Promise<HttpConnection> {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
  socket.setNoDelay(true);
  await once(socket, "secureConnect");
  return overSocket(socket);
}

function overSocket(socket: Socket): HttpConnection {
  let received: Buffer = Buffer.alloc(0);
  let waiting: { resolve(answer: HttpAnswer): void; reject(error: Error): void } | undefined;

  function fail(error: Error): void {
    waiting?.reject(error);
    waiting = undefined;
  }
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the server closed the connection")));
  socket.on("data", (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const headEnd = received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = received.toString("latin1", 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    const bodyStart = headEnd + HEAD_END.length;
    if (Number.isNaN(length)) return fail(new Error(`an answer without Content-Length: ${head}`));
    if (received.length < bodyStart + length) return;
    const answer = {
      status: Number(head.slice(9, 12)),
      body: received.toString("utf8", bodyStart, bodyStart + length),
    };
    received = received.subarray(bodyStart + length);
    const { resolve } = waiting ?? {};
    waiting = undefined;
    resolve?.(answer);
  });

  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error("the connection is closed"));
        waiting = { resolve, reject };
        socket.write(request);
      }),
    isOpen: () => !socket.destroyed,
    close: () => socket.destroy(),
  };
}

/** The bytes of a request. */
export function requestOf(
  method: "GET" | "POST",
  path: string,
  options: { token?: string; body?: unknown } = {},
): Buffer {
  const body = options.body === undefined ? "" : JSON.stringify(options.body);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "Host: bench",
    ...(options.token === undefined ? [] : [`Authorization: Bearer ${options.token}`]),
    ...(options.body === undefined
      ? []
      : ["Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
