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
}

export interface RunningHttpServer {
  /** `http://127.0.0.1:8085`, no trailing slash. */
  origin: string;
  port: number;
  server: http.Server | https.Server;
  /**
   * Stops accepting, lets answers under way finish with `Connection: close`, and cuts what is left
   * after `drainMs`.
   */
  close(drainMs?: number): Promise<void>;
}

/** Starts listening; rejects with the listen error (`EADDRINUSE`, `EACCES`) when it cannot. */
export async function startHttpServer(options: HttpServerOptions): Promise<RunningHttpServer> {
  const { handler, host, port, tls } = options;
  let draining = false;
  const underWay = new Set<http.ServerResponse>();
  const onRequest: http.RequestListener = (request, response) => {
    underWay.add(response);
    response.once("close", () => underWay.delete(response));
    if (draining) response.setHeader("Connection", "close");
    handler(request, response);
  };
  const server = tls
    ? https.createServer({ ...tls, rejectUnauthorized: false, minVersion: "TLSv1.2" }, onRequest)
    : http.createServer(onRequest);
  // Above the 90 s for which an API server or an ingress keeps an idle connection: they close first.
  server.keepAliveTimeout = 120_000;
  server.headersTimeout = 30_000;
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
    origin: `${tls ? "https" : "http"}://${shownHost}:${address.port}`,
    port: address.port,
    server,
    async close(drainMs = 5_000) {
      draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const response of underWay) if (!response.headersSent) response.setHeader("Connection", "close");
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), drainMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
