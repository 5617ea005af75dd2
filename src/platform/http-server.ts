import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";

export interface HttpServerOptions {
  handler: http.RequestListener;
  /** Address to listen on; `127.0.0.1` keeps it on this machine. */
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** PEM texts. Absent: plain HTTP. `requestCert` requests a client certificate signed by `ca`. */
  tls?: { key: string; cert: string; ca?: string; requestCert?: boolean };
  /** Protects against slow clients. Absent: 30 s for headers, 300 s for a request, no limit on connections. */
  limits?: HttpServerLimits;
}

interface HttpServerLimits {
  /** The time to receive a request's headers and body. After it, the answer is 408 and the connection is closed. */
  requestMs: number;
  /** The largest number of connections. Further ones are closed at once. */
  connections: number;
}

export interface RunningHttpServer {
  /** `http://127.0.0.1:8085`, no trailing slash. */
  origin: string;
  port: number;
  server: http.Server | https.Server;
  /** From now on, each answer has `Connection: close`, so that clients disconnect. New requests are still answered. */
  drain(): void;
  /**
   * Stops accepting connections, finishes the answers in progress with `Connection: close`, and closes the remaining
   * connections after `drainMs`.
   */
  close(drainMs?: number): Promise<void>;
}

const HEADERS_MS = 30_000;

/** Part of the TLS context: pass it to `setSecureContext` again when the certificate changes. */
export const MIN_TLS_VERSION = "TLSv1.2";

/** Starts to listen. Rejects with the error of `listen` (`EADDRINUSE`, `EACCES`) when it cannot. */
export async function startHttpServer(options: HttpServerOptions): Promise<RunningHttpServer> {
  const { handler, host, port, tls, limits } = options;
  let draining = false;
  const underWay = new Set<http.ServerResponse>();
  const onRequest: http.RequestListener = (request, response) => {
    underWay.add(response);
    response.once("close", () => underWay.delete(response));
    if (draining) response.setHeader("Connection", "close");
    handler(request, response);
  };
  const timing: http.ServerOptions = {
    // More than the 90 s for which an API server or an ingress keeps an idle connection, so that they close it first.
    keepAliveTimeout: 120_000,
    headersTimeout: Math.min(HEADERS_MS, limits?.requestMs ?? HEADERS_MS),
    ...(limits === undefined
      ? {}
      : { requestTimeout: limits.requestMs, connectionsCheckingInterval: Math.ceil(limits.requestMs / 6) }),
  };
  const server = tls
    ? https.createServer(
        { ...timing, ...tls, rejectUnauthorized: false, minVersion: MIN_TLS_VERSION },
        onRequest,
      )
    : http.createServer(timing, onRequest);
  if (limits !== undefined) server.maxConnections = limits.connections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  function drain(): void {
    draining = true;
    for (const response of underWay) if (!response.headersSent) response.setHeader("Connection", "close");
  }
  const address = server.address() as AddressInfo;
  const shownHost = address.family === "IPv6" ? `[${address.address}]` : address.address;

  return {
    origin: `${tls ? "https" : "http"}://${shownHost}:${address.port}`,
    port: address.port,
    server,
    drain,
    async close(drainMs = 5_000) {
      drain();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), drainMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
