import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { pipeline } from "node:stream/promises";
import { createSecureContext, type SecureContext } from "node:tls";
import { request } from "undici";
import { urlHost } from "../../../src/platform/url-host.ts";
import { INGRESS } from "./address.ts";
import { type Listener, listen } from "./listener.ts";

interface IngressObject {
  metadata: { namespace: string };
  spec: {
    tls?: { hosts: string[]; secretName: string }[];
    rules: {
      host: string;
      http: { paths: { path: string; backend: { service: { name: string; port: { name: string } } } }[] };
    }[];
  };
}

/** A simple Ingress controller: it serves the hosts of all Ingresses, each with the certificate of its Secret. */
export async function startIngress(read: (...args: string[]) => Promise<string>): Promise<Listener> {
  const readJson = async (...args: string[]) => JSON.parse(await read("get", ...args, "--output", "json"));

  async function ingressOf(host: string): Promise<IngressObject> {
    const { items } = (await readJson("ingresses", "--all-namespaces")) as { items: IngressObject[] };
    const found = items.find(({ spec }) => spec.rules.some((rule) => rule.host === host));
    if (found === undefined) throw new Error(`no Ingress has the host ${host}`);
    return found;
  }

  async function secureContextOf(host: string): Promise<SecureContext> {
    const { metadata, spec } = await ingressOf(host);
    const tls = spec.tls?.find(({ hosts }) => hosts.includes(host));
    const { data } = await readJson("secret", tls?.secretName ?? "", "--namespace", metadata.namespace);
    const [cert, key] = [data["tls.crt"], data["tls.key"]].map((text) => Buffer.from(text, "base64"));
    return createSecureContext({ cert, key });
  }

  async function forward(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const [host = "", path = ""] = [incoming.headers.host, incoming.url];
    const { metadata, spec } = await ingressOf(host);
    const paths = spec.rules.filter((rule) => rule.host === host).flatMap(({ http }) => http.paths);
    const service = paths.find((rule) => path.startsWith(rule.path))?.backend.service;
    if (service === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { spec: live } = await readJson("service", service.name, "--namespace", metadata.namespace);
    const { port } = live.ports.find(({ name }: { name: string }) => name === service.port.name);
    const { connection: _, ...headers } = incoming.headers;
    const answer = await request(`http://${urlHost(live.clusterIP)}:${port}${path}`, {
      ...{ method: incoming.method as "GET", headers, body: incoming },
    });
    response.writeHead(answer.statusCode, answer.headers);
    await pipeline(answer.body, response);
  }

  const server = createServer(
    {
      SNICallback: (host, done) =>
        secureContextOf(host).then(
          (context) => done(null, context),
          (error: Error) => done(error),
        ),
    },
    (incoming, response) => {
      forward(incoming, response).catch((error: unknown) => response.destroy(error as Error));
    },
  );
  return listen(server, 443, INGRESS.first);
}
