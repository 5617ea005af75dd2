import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import type { LookupFunction } from "node:net";
import { KubeConfig, type User } from "@kubernetes/client-node";
import { Agent, type Dispatcher, ProxyAgent } from "undici";
import { parse } from "yaml";
import { sha256Digest } from "../platform/canonical-json.ts";

/** How often the token file is read. A kubelet rotates the token long before it expires. */
const TOKEN_REREAD_MS = 10_000;
/** How often the files of the CA and of the client certificate are read. Reading them for each request would be too often. */
const FILES_REREAD_MS = 1_000;
/** The most sockets at a time. A watch holds one until it ends; calls share the others. */
const MAX_CONNECTIONS = 64;

/** Loads a kubeconfig file or, without a path, the ServiceAccount of this process's Pod. */
export function loadKubeConfig(kubeconfigPath: string | undefined): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfigPath === undefined) {
    config.loadFromCluster();
    return config;
  }
  config.loadFromFile(kubeconfigPath);
  // The library ignores `tokenFile` of a kubeconfig's user. It marks the token file of a Pod with this authProvider.
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
  /** The maximum length of an answer; undefined: no limit. */
  maxAnswerBytes?: number | undefined;
  /** The headers that authenticate a request, and the shared connections. Call it for each request: tokens rotate. */
  authenticate(): Promise<{ headers: Record<string, string>; dispatcher: Dispatcher }>;
  /** Reads the token again after a 401. Returns true when it changed, so that a repeated request can succeed. */
  renewToken(): boolean;
  close(): Promise<void>;
}

/**
 * Shares one pool of TLS connections among all requests. The library builds one for each request (500 calls made 500
 * connections). A new CA or client certificate makes a new pool; the former pool finishes its requests. `lookup` resolves the
 * server's name; the default is the system's.
 */
export function createConnection(
  config: KubeConfig,
  { lookup, maxAnswerBytes }: { lookup?: LookupFunction; maxAnswerBytes?: number } = {},
): Connection {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error("the kubeconfig names no current cluster");
  const tokenFile = tokenFileOf(config.getCurrentUser());
  const token = tokenFile === undefined ? undefined : createRotatingToken(tokenFile);
  const identified = token === undefined ? config : withoutAuthProvider(config);
  let current: { identity: string; dispatcher: Dispatcher } | undefined;
  let known: { headers: Record<string, string>; dispatcher: Dispatcher; untilMs: number } | undefined;
  const { exec, authProvider } = (identified.getCurrentUser() ?? {}) as User;
  /** Whether the credentials come from neither a program nor a plugin. Those decide themselves how long a token lives. */
  const isFixed = exec === undefined && authProvider === undefined;

  function dispatcherFor(options: RequestOptions): Dispatcher {
    const connect = {
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(options.cert === undefined ? {} : { cert: options.cert }),
      ...(options.key === undefined ? {} : { key: options.key }),
      ...(options.servername === undefined ? {} : { servername: options.servername }),
      ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
      ...(lookup === undefined ? {} : { lookup }),
    };
    const identity = sha256Digest(
      JSON.stringify(Object.entries(connect).map(([name, value]) => [name, String(value)])),
    );
    if (current?.identity === identity) return current.dispatcher;
    const former = current?.dispatcher;
    // Deferred: a request that has just received the former pool must still be able to start.
    if (former !== undefined) setImmediate(() => void former.close().catch(() => undefined));
    // A watch may send nothing for minutes. The reflector has its own limit for this.
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

  async function identify() {
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
    return { headers, dispatcher: dispatcherFor(options) };
  }

  return {
    server: cluster.server,
    maxAnswerBytes,
    async authenticate() {
      if (known === undefined || !isFixed || performance.now() >= known.untilMs)
        known = { ...(await identify()), untilMs: performance.now() + FILES_REREAD_MS };
      const { headers, dispatcher } = known;
      return token === undefined
        ? { headers, dispatcher }
        : { headers: { ...headers, authorization: `Bearer ${token.current()}` }, dispatcher };
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
 * The library keeps one token for all configurations of a process: with two clusters, one cluster receives the token of the
 * other. Token files are therefore read here.
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
      // The file is missing for a moment while it is replaced. The former token is still valid then.
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
