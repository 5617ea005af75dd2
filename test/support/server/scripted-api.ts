import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";
import {
  issueCertificates,
  type ServingCertificates,
} from "../../../src/admission/certificate/certificate.ts";
import { startHttpServer } from "../../../src/platform/http-server.ts";

export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  body: unknown;
}

export type Script = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

/** An HTTPS server that answers by its script, for faults that a correct API server does not produce on demand. */
export interface ScriptedApi {
  origin: string;
  caPem: string;
  certificates: ServingCertificates;
  requests: SeenRequest[];
  /** The number of TLS connections so far. */
  connections(): number;
  /** Closes every connection, as a server that stops does. */
  cut(): void;
  kubeConfig(user?: Record<string, unknown>, cluster?: Record<string, unknown>): KubeConfig;
  close(): Promise<void>;
}

export async function startScriptedApi(script: Script): Promise<ScriptedApi> {
  const certificates = await issueCertificates(["127.0.0.1"], new Date());
  const requests: SeenRequest[] = [];
  let connections = 0;
  const running = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    tls: { key: certificates.key, cert: certificates.certificate },
    async handler(request, response) {
      const url = new URL(request.url ?? "/", "https://server");
      const body = await text(request);
      const seen: SeenRequest = {
        method: request.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: body === "" ? undefined : JSON.parse(body),
      };
      requests.push(seen);
      await script(seen, response);
    },
  });
  running.server.on("secureConnection", () => {
    connections += 1;
  });
  const cut = () => (running.server as import("node:https").Server).closeAllConnections();
  return {
    origin: running.origin,
    caPem: certificates.caBundle,
    certificates,
    requests,
    connections: () => connections,
    cut,
    kubeConfig(user = { token: "scripted" }, cluster = {}) {
      const config = new KubeConfig();
      config.loadFromOptions({
        clusters: [
          {
            name: "scripted",
            server: running.origin,
            caData: Buffer.from(certificates.caBundle).toString("base64"),
            ...cluster,
          },
        ],
        users: [{ name: "tester", ...user }],
        contexts: [{ name: "scripted", cluster: "scripted", user: "tester" }],
        currentContext: "scripted",
      });
      return config;
    },
    async close() {
      cut();
      await running.close(0);
    },
  };
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** A refusal as the API server words it. */
export function refusal(code: number, reason: string, details?: object) {
  return {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    message: `refused with ${code}`,
    reason,
    details,
    code,
  };
}

export function sendRefusal(
  response: ServerResponse,
  code: number,
  reason: string,
  headers: Record<string, string> = {},
): void {
  sendJson(response, code, refusal(code, reason), headers);
}

export interface TestConfigMap {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; uid: string; resourceVersion: string };
  data: Record<string, string>;
}

export function configMapAt(
  name: string,
  resourceVersion: number,
  data = {},
  uid = `uid-${name}`,
): TestConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "default", uid, resourceVersion: String(resourceVersion) },
    data,
  };
}

export function listOf(items: TestConfigMap[], resourceVersion: number, more?: string) {
  return {
    kind: "ConfigMapList",
    apiVersion: "v1",
    metadata: { resourceVersion: String(resourceVersion), continue: more },
    items,
  };
}

export const watchLine = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;
