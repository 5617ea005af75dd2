import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Agent, type Dispatcher, request } from "undici";
import { parse } from "yaml";
import type { KubernetesObject } from "../../api/object.ts";
import { UnmetExpectation } from "./expectation.ts";

const REQUEST_TIMEOUT_MS = 15_000;

export interface ApiResponse {
  status: number;
  /** An object, a list, or a `Status`. */
  body: unknown;
}

interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
  /** The body as it is sent, instead of `body`. */
  text?: string;
  contentType?: string;
  /** User to impersonate. */
  as?: string;
  /** Groups to impersonate, instead of the user's own. */
  asGroups?: readonly string[];
  /** Uid to impersonate. */
  asUid?: string;
}

interface WatchEvent {
  type: string;
  object: KubernetesObject;
}

export interface ApiConnection {
  send(request: ApiRequest): Promise<ApiResponse>;
  /** The events of a watch, until the API server ends it. */
  watch(path: string, signal: AbortSignal): AsyncIterable<WatchEvent>;
  close(): Promise<void>;
}

interface KubeconfigFile {
  clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
  users: { user: { "client-certificate-data"?: string; "client-key-data"?: string; token?: string } }[];
}

/**
 * Sends requests to an API server as the user of a kubeconfig, over shared TLS connections. The story does not use the
 * operator's client, so that a fault in that client shows.
 */
export function createApiConnection(kubeconfigPath: string): ApiConnection {
  const file = parse(readFileSync(kubeconfigPath, "utf8")) as KubeconfigFile;
  const cluster = file.clusters[0]?.cluster;
  const user = file.users[0]?.user;
  if (cluster === undefined || user === undefined)
    throw new Error(`${kubeconfigPath}: must contain a cluster and a user`);
  const pem = (data: string | undefined) =>
    data === undefined ? {} : { value: Buffer.from(data, "base64").toString() };
  const cert = pem(user["client-certificate-data"]).value;
  const key = pem(user["client-key-data"]).value;
  const agent = new Agent({
    // Over HTTP/2, undici joins headers of the same name with commas, and Kubernetes would read several groups as one.
    allowH2: false,
    connect: {
      ca: Buffer.from(cluster["certificate-authority-data"], "base64").toString(),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    },
  });

  const ownHeaders = ["accept", "application/json", "user-agent", "catalyst-playground"];
  if (user.token !== undefined) ownHeaders.push("authorization", `Bearer ${user.token}`);

  return {
    async send({ method, path, body, contentType = "application/json", as, asGroups, asUid, ...rest }) {
      const text = rest.text ?? (body === undefined ? undefined : JSON.stringify(body));
      const headers = [...ownHeaders];
      if (as !== undefined) headers.push("impersonate-user", as);
      if (asUid !== undefined) headers.push("impersonate-uid", asUid);
      for (const group of asGroups ?? []) headers.push("impersonate-group", group);
      if (text !== undefined) headers.push("content-type", contentType);
      const options: Omit<Dispatcher.RequestOptions, "origin" | "path"> & { dispatcher: Agent } = {
        method,
        headers,
        body: text ?? null,
        dispatcher: agent,
        headersTimeout: REQUEST_TIMEOUT_MS,
        bodyTimeout: REQUEST_TIMEOUT_MS,
      };
      const response = await request(new URL(path, cluster.server), options);
      return { status: response.statusCode, body: await response.body.json() };
    },
    async *watch(path, signal) {
      const url = new URL(path, cluster.server);
      const { statusCode, body } = await request(url, { dispatcher: agent, headers: ownHeaders, signal });
      if (statusCode !== 200) throw new UnmetExpectation(`the API server returned ${statusCode} to a watch`);
      const lines = createInterface({ input: body });
      // A caller that has seen enough leaves the loop. undici then reports the rest of the body as aborted. An earlier error
      // ends the loop with that error.
      lines.on("error", () => undefined);
      try {
        for await (const line of lines) yield JSON.parse(line) as WatchEvent;
      } finally {
        body.destroy();
      }
    },
    close: () => agent.close(),
  };
}

/** The body of a successful response. Throws when the API server refused the request. */
export function successfulBody(response: ApiResponse): unknown {
  if (response.status >= 300)
    throw new UnmetExpectation(`the API server returned ${response.status}: ${messageOf(response)}`);
  return response.body;
}

export function messageOf({ status, body }: ApiResponse): string {
  return String((body as { message?: string } | undefined)?.message ?? `status ${status}`);
}
