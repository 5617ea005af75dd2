import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { Agent, type Dispatcher, ProxyAgent } from "undici";
import { parse } from "yaml";
import { sha256Digest } from "../platform/canonical-json.ts";

/**
 * The configuration of a kubeconfig file, or of the Pod that this runs in. `tokenFile` of a kubeconfig user is read
 * again when its token is about to expire, as client-go does (the library knows it for Pods only).
 */
export function loadKubeConfig(kubeconfigPath: string | undefined): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfigPath === undefined) {
    config.loadFromCluster();
    return config;
  }
  config.loadFromFile(kubeconfigPath);
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
  close(): Promise<void>;
}

/**
 * One pool of TLS connections for all requests. The library would build one for each request; this one is rebuilt
 * only when the CA or the client certificate has changed, and the old one finishes what it carries.
 */
export function createConnection(config: KubeConfig): Connection {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error("the kubeconfig names no current cluster");
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
    void current?.dispatcher.close();
    // A watch may be silent for minutes; the reflector watches over that itself.
    const settings = { bodyTimeout: 0, keepAliveTimeout: 60_000, connections: 64 };
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
      await config.applyToHTTPSOptions(options);
      const headers = Object.fromEntries(
        Object.entries((options.headers ?? {}) as Record<string, unknown>).map(([name, value]) => [
          name.toLowerCase(),
          String(value),
        ]),
      );
      if (typeof options.auth === "string")
        headers.authorization = `Basic ${Buffer.from(options.auth).toString("base64")}`;
      return { headers, dispatcher: dispatcherFor(options) };
    },
    async close() {
      await current?.dispatcher.destroy();
    },
  };
}
