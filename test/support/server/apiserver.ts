import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import { expect } from "vitest";
import { parse } from "yaml";
import { createLogger } from "../../../src/platform/log.ts";
import {
  type ApiObject,
  type ApiServer,
  type ApiServerOptions,
  createApiServer,
} from "../../../src/playground/apiserver/index.ts";
import { eventually } from "../wait.ts";
import { APPLY, readEvents, type SendOptions, sendTo, type TestAnswer } from "./api-request.ts";

export interface WatchedEvent {
  type: string;
  object: ApiObject;
}

/** A running server in a directory of its own, and the administrator's connection to it. */
export interface TestApiServer {
  server: ApiServer;
  stateDir: string;
  send(method: string, path: string, options?: SendOptions): Promise<TestAnswer>;
  /** `send` that expects success. */
  must(method: string, path: string, body?: unknown, contentType?: string): Promise<TestAnswer["body"]>;
  apply(path: string, manager: string, config: object, query?: string): Promise<TestAnswer>;
  /** Reads events until `enough` says so, or the watch ends. */
  watch(path: string, enough: (events: WatchedEvent[]) => boolean): Promise<WatchedEvent[]>;
  stop(): Promise<void>;
  /** Ends the server and its directory. */
  dispose(): Promise<void>;
}

export async function startTestApiServer(options: Partial<ApiServerOptions> = {}): Promise<TestApiServer> {
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), "catalyst-apiserver-"));
  const abort = new AbortController();
  const server = await createApiServer({
    stateDir,
    host: "127.0.0.1",
    port: 0,
    logger: createLogger("test-apiserver", "fatal"),
    now: () => new Date(),
    signal: abort.signal,
    ...options,
  });
  const agent = agentOf(server.caPem, server.adminKubeconfig);
  return connect(server, stateDir, agent, async () => {
    await agent.destroy();
    abort.abort();
    await server.close();
  });
}

/** The connection of a kubeconfig's client certificate. */
export function agentOf(caPem: string, kubeconfig: string): Agent {
  const { user } = (parse(kubeconfig) as { users: [{ user: Record<string, string> }] }).users[0];
  const pem = (name: string) => Buffer.from(user[name] ?? "", "base64").toString();
  return new Agent({
    connect: { ca: caPem, cert: pem("client-certificate-data"), key: pem("client-key-data") },
  });
}

/** A connection that shows no certificate. */
export function plainAgent(server: ApiServer): Agent {
  return new Agent({ connect: { ca: server.caPem } });
}

function connect(
  server: ApiServer,
  stateDir: string,
  agent: Agent,
  stop: () => Promise<void>,
): TestApiServer {
  const connection: TestApiServer = {
    server,
    stateDir,
    send: (method, path, sendOptions) => sendTo(server, agent, method, path, sendOptions),

    async must(method, path, body, contentType) {
      const answer = await connection.send(method, path, {
        ...(body === undefined ? {} : { body }),
        ...(contentType === undefined ? {} : { contentType }),
      });
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
      return answer.body;
    },

    apply: (path, manager, config, query = "") =>
      connection.send("PATCH", `${path}?fieldManager=${manager}${query}`, {
        body: config,
        contentType: APPLY,
      }),

    async watch(path, enough) {
      const abort = new AbortController();
      const { statusCode, body } = await request(`${server.url}${path}`, {
        dispatcher: agent,
        signal: abort.signal,
      });
      if (statusCode !== 200) return [JSON.parse(await body.text())];
      try {
        return await readEvents(body, enough);
      } finally {
        abort.abort();
      }
    },

    stop,
    async dispose() {
      await stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
  return connection;
}

/** A namespaced kind with a status, keyed lists, defaults, bounds and a rule. */
export const widgetDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.example.org" },
  spec: {
    group: "example.org",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget", shortNames: ["wg"], categories: ["all"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
        },
        additionalPrinterColumns: [
          { name: "Size", type: "integer", jsonPath: ".spec.size" },
          { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: "Colour", type: "string", jsonPath: ".spec.colour", priority: 1 },
        ],
        selectableFields: [{ jsonPath: ".spec.colour" }],
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                required: ["size"],
                "x-kubernetes-validations": [{ rule: "self.size != 7", message: "seven is not a size" }],
                properties: {
                  size: { type: "integer", minimum: 1, maximum: 10 },
                  colour: { type: "string", default: "grey", maxLength: 10 },
                  replicas: { type: "integer" },
                  tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
                  parts: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["id"],
                    items: {
                      type: "object",
                      required: ["id"],
                      properties: { id: { type: "string" }, weight: { type: "integer" } },
                    },
                  },
                },
              },
              status: {
                type: "object",
                properties: {
                  replicas: { type: "integer" },
                  conditions: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["type"],
                    items: {
                      type: "object",
                      required: ["type"],
                      properties: { type: { type: "string" }, status: { type: "string" } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

export async function defineWidgets(api: TestApiServer): Promise<void> {
  await api.must("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgetDefinition);
  await eventually(async () =>
    expect((await api.send("GET", "/apis/example.org/v1/namespaces/default/widgets")).status).toBe(200),
  );
}

export function widget(name: string, spec: object, metadata: object = {}) {
  return { apiVersion: "example.org/v1", kind: "Widget", metadata: { name, ...metadata }, spec };
}
