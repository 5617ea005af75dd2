import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { KubeConfig, type User } from "@kubernetes/client-node";
import { Agent, type Dispatcher, ProxyAgent } from "undici";
import { parse } from "yaml";
import { sha256Digest } from "../platform/canonical-json.ts";

/** Kubelets rotate a token long before it expires: reading the file this often is often enough. */
const TOKEN_REREAD_MS = 10_000;
/** Most sockets at once. A watch holds one for its whole life; calls share the others. */
const MAX_CONNECTIONS = 64;

/** The configuration of a kubeconfig file, or of the Pod that this runs in. */
export function loadKubeConfig(kubeconfigPath: string | undefined): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfigPath === undefined) {
    config.loadFromCluster();
    return config;
  }
  config.loadFromFile(kubeconfigPath);
  // The library drops `tokenFile` of a kubeconfig's user; this is how it marks the one of a Pod.
  const file = parse(readFileSync(kubeconfigPath, "utf8")) as {
    users?: { name: string; user?: { tokenFile?: string } }[];
  };
  const tokenFileOf = new Map(file.users?.map(({ name, user }) => [name, user?.tokenFile]));
  config.users = config.users.map((user) => {
    const tokenFile = tokenFileOf.get(user.name);
    return tokenFile === undefined
      ? user
      : { ...user, authProvider: { name: "tokenFile", config: { tokenFile } } };
  });
  return config;
}

export interface Connection {
  server: string;
  /** Headers that say who asks, and the shared connections to ask over. Fresh for each request: tokens rotate. */
  authenticate(): Promise<{ headers: Record<string, string>; dispatcher: Dispatcher }>;
  /** After a 401: reads the token again; whether it is another one now, so that asking again makes sense. */
  renewToken(): boolean;
  close(): Promise<void>;
}

/**
 * One pool of TLS connections for all requests. The library would build one for each request; this one is rebuilt
 * only when the CA or the client certificate has changed, and the old one finishes what it carries.
 */
export function createConnection(config: KubeConfig): Connection {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error("the kubeconfig names no current cluster");
  const tokenFile = tokenFileOf(config.getCurrentUser());
  const token = tokenFile === undefined ? undefined : createRotatingToken(tokenFile);
  const identified = token === undefined ? config : withoutAuthProvider(config);
  let current: { identity: string; dispatcher: Dispatcher } | undefined;

  function dispatcherFor(options: RequestOptions): Dispatcher {
    const connect = {
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(options.cert === undefined ? {} : { cert: options.cert }),
      ...(options.key === undefined ? {} : { key: options.key }),
      ...(options.servername === undefined ? {} : { servername: options.servername }),
      ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
    };
    const identity = sha256Digest(
      JSON.stringify(Object.entries(connect).map(([name, value]) => [name, String(value)])),
    );
    if (current?.identity === identity) return current.dispatcher;
    const former = current?.dispatcher;
    // Not at once: a request that was given the former one a moment ago must still get through the door.
    if (former !== undefined) setImmediate(() => void former.close().catch(() => undefined));
    // A watch may be silent for minutes; the reflector watches over that itself.
    const settings = { bodyTimeout: 0, keepAliveTimeout: 60_000, connections: MAX_CONNECTIONS };
    const dispatcher =
      cluster?.proxyUrl === undefined
        ? new Agent({
            ...settings,
            connect: { ...connect, keepAlive: true, timeout: 10_000 } as Agent.Options["connect"] & object,
          })
        : new ProxyAgent({ ...settings, uri: cluster.proxyUrl, requestTls: connect as object });
    current = { identity, dispatcher };
    return dispatcher;
  }

  return {
    server: cluster.server,
    async authenticate() {
      const options: RequestOptions = {};
      await identified.applyToHTTPSOptions(options);
      const headers = Object.fromEntries(
        Object.entries((options.headers ?? {}) as Record<string, unknown>).map(([name, value]) => [
          name.toLowerCase(),
          String(value).trim(),
        ]),
      );
      if (typeof options.auth === "string")
        headers.authorization = `Basic ${Buffer.from(options.auth).toString("base64")}`;
      if (token !== undefined) headers.authorization = `Bearer ${token.current()}`;
      return { headers, dispatcher: dispatcherFor(options) };
    },
    renewToken: () => token?.renew() ?? false,
    async close() {
      await current?.dispatcher.destroy();
    },
  };
}

function tokenFileOf(user: User | null): string | undefined {
  const config = user?.authProvider?.config as { tokenFile?: string } | undefined;
  return config?.tokenFile;
}

/**
 * The library keeps the token of the file that it read last in one place for all configurations of the process: with
 * two clusters, one would be shown the other's token. Token files are therefore read here.
 */
function withoutAuthProvider(config: KubeConfig): KubeConfig {
  const copy = new KubeConfig();
  copy.loadFromOptions({
    clusters: config.clusters,
    contexts: config.contexts,
    currentContext: config.currentContext,
    users: config.users.map(({ authProvider: _, ...user }) => user),
  });
  return copy;
}

function createRotatingToken(path: string) {
  let token: string | undefined;
  let readAt = Number.NEGATIVE_INFINITY;

  function read(): void {
    try {
      token = readFileSync(path, "utf8").trim();
      readAt = performance.now();
    } catch (error) {
      // Files are missing for a moment while they are replaced: the token at hand is still good then.
      if (token === undefined) throw error;
    }
  }

  return {
    current(): string {
      if (performance.now() - readAt >= TOKEN_REREAD_MS) read();
      return token ?? "";
    },
    renew(): boolean {
      const former = token;
      read();
      return token !== former;
    },
  };
}
