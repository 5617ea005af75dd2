import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { urlHost } from "./url-host.ts";

export interface HttpServerOptions {
  handler: http.RequestListener;
  /** Address to listen on; `127.0.0.1` keeps it on this machine. Undefined: all addresses, IPv6 ones where the machine has them. */
  host: string | undefined;
  /** 0 takes a free port. */
  port: number;
  /**
   * Absent: plain HTTP. With a `ca`, the server requests a certificate from each client, and the handler decides about
   * clients without one.
   */
  tls?: TlsOptions;
  /** Protects against slow clients. Absent: 30 s for headers, 300 s for a request, no limit on connections. */
  limits?: HttpServerLimits;
}

/** PEM texts. */
export interface TlsOptions {
  key: string;
  cert: string;
  /** Signs client certificates. */
  ca?: string | undefined;
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
  /** Uses these certificates for new connections. */
  setTls(tls: TlsOptions): void;
  /** From now on, each answer has `Connection: close`, so that clients disconnect. New requests are still answered. */
  drain(): void;
  /**
   * Stops accepting connections, finishes the answers in progress with `Connection: close`, and closes the remaining
   * connections after `drainMs`.
   */
  close(drainMs?: number): Promise<void>;
}

const HEADERS_MS = 30_000;
/** Node's default of 120 s would let silent connections fill `limits.connections`. */
const HANDSHAKE_MS = 10_000;

/** API servers before Kubernetes 1.19 may lack TLS 1.3. With TLS 1.2 only ciphers with forward secrecy are used. */
const MIN_TLS_VERSION = "TLSv1.2";
const CIPHERS = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
].join(":");

const secureContextOf = ({ key, cert, ca }: TlsOptions) => ({
  ...({ key, cert, minVersion: MIN_TLS_VERSION, ciphers: CIPHERS } as const),
  ...(ca === undefined ? {} : { ca }),
});

/** Starts to listen. Rejects with the error of `listen` (`EADDRINUSE`, `EACCES`) when it cannot. */
export async function startHttpServer(options: HttpServerOptions): Promise<RunningHttpServer> {
  const { handler, host, port, tls, limits } = options;
  let draining = false;
  /** Reads `draining` when an answer begins, so the server needs no list of the answers in progress. */
  class DrainableResponse<Request extends http.IncomingMessage> extends http.ServerResponse<Request> {
    override writeHead(status: number, ...rest: never[]): this {
      if (draining) this.setHeader("Connection", "close");
      return super.writeHead(status, ...rest);
    }
  }
  const timing: http.ServerOptions = {
    ServerResponse: DrainableResponse,
    // More than the 90 s for which an API server or an ingress keeps an idle connection, so that they close it first.
    keepAliveTimeout: 120_000,
    headersTimeout: Math.min(HEADERS_MS, limits?.requestMs ?? HEADERS_MS),
    ...(limits === undefined
      ? {}
      : { requestTimeout: limits.requestMs, connectionsCheckingInterval: Math.ceil(limits.requestMs / 6) }),
  };
  const server = tls
    ? https.createServer(
        {
          ...timing,
          ...secureContextOf(tls),
          handshakeTimeout: Math.min(HANDSHAKE_MS, limits?.requestMs ?? HANDSHAKE_MS),
          requestCert: tls.ca !== undefined,
          rejectUnauthorized: false,
        },
        handler,
      )
    : http.createServer(timing, handler);
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
  }
  const address = server.address() as AddressInfo;

  return {
    origin: `${tls ? "https" : "http"}://${urlHost(address.address)}:${address.port}`,
    port: address.port,
    server,
    setTls: (next) => (server as https.Server).setSecureContext(secureContextOf(next)),
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
