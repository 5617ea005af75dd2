import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";

export interface HttpServerOptions {
  handler: http.RequestListener;
  /** Address to listen on; `127.0.0.1` keeps it on this machine. */
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** Present: TLS, with PEM texts. `requestCert` asks for a client certificate signed by `ca`. */
  tls?: { key: string; cert: string; ca?: string; requestCert?: boolean };
  /** Against clients that are slow on purpose; absent: 30 s for headers, 300 s for a request, no bound on connections. */
  limits?: HttpServerLimits;
}

interface HttpServerLimits {
  /** A request's headers and body must have come in by then, else 408 and the connection is closed. */
  requestMs: number;
  /** Connections beyond this are closed at once. */
  connections: number;
}

export interface RunningHttpServer {
  /** `http://127.0.0.1:8085`, no trailing slash. */
  origin: string;
  port: number;
  server: http.Server | https.Server;
  /** From now on each answer says `Connection: close`, so that clients leave; new requests are answered still. */
  drain(): void;
  /**
   * Stops accepting, lets answers under way finish with `Connection: close`, and cuts what is left
   * after `drainMs`.
   */
  close(drainMs?: number): Promise<void>;
}

const HEADERS_MS = 30_000;

/** Part of the TLS context: pass it to `setSecureContext` again when the certificate changes. */
export const MIN_TLS_VERSION = "TLSv1.2";

/** Starts listening; rejects with the listen error (`EADDRINUSE`, `EACCES`) when it cannot. */
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
    // Above the 90 s for which an API server or an ingress keeps an idle connection: they close first.
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
