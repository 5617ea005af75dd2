import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

export interface ListenerOptions {
  handler: RequestListener;
  /** Receives a request to change the protocol of a connection, with the bytes that came after it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** PEM texts. A client may authenticate with a certificate that `ca` signed. */
  tls: { key: string; cert: string; ca: string };
}

export interface Listener {
  /** `https://127.0.0.1:6443`, without a trailing slash. */
  origin: string;
  /** Stops accepting connections, finishes running answers with `Connection: close`, and closes the rest after 5 s. */
  close(): Promise<void>;
}

/** A client keeps an idle connection for 90 s. The longer time here lets the client close it first. */
const KEEP_ALIVE_MS = 120_000;
const HEADERS_MS = 30_000;
const DRAIN_MS = 5_000;

/** Starts listening. Rejects with the error of `listen` (`EADDRINUSE`, `EACCES`) when it cannot. */
export async function startListener({
  handler,
  upgrade,
  host,
  port,
  tls,
}: ListenerOptions): Promise<Listener> {
  let draining = false;
  const running = new Set<ServerResponse>();
  const upgraded = new Set<Duplex>();
  const server = createServer(
    {
      ...tls,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_MS,
    },
    (request, response) => {
      running.add(response);
      response.once("close", () => running.delete(response));
      if (draining) response.setHeader("Connection", "close");
      handler(request, response);
    },
  );
  server.on("upgrade", (request, socket, head) => {
    if (draining) return void socket.destroy();
    upgraded.add(socket);
    socket.once("close", () => upgraded.delete(socket));
    upgrade(request, socket, head);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  const shownHost = address.family === "IPv6" ? `[${address.address}]` : address.address;

  return {
    origin: `https://${shownHost}:${address.port}`,
    async close() {
      draining = true;
      for (const response of running) if (!response.headersSent) response.setHeader("Connection", "close");
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      // An upgraded connection, such as a port-forward, would stay open.
      for (const socket of upgraded) socket.destroy();
      const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}
