import { Agent, buildConnector, type Dispatcher } from "undici";
import { errorMessage } from "../error-message.ts";
import type { JsonObject } from "../object.ts";

/** `clientConfig` of a webhook. */
export interface ClientConfig {
  url?: string;
  service?: { namespace: string; name: string; path?: string; port?: number };
  /** PEM in base64, as JSON carries bytes; absent: the system's own authorities. */
  caBundle?: string;
}

interface Address {
  host: string;
  port: number;
}

/** The address of a Service's port. Undefined when the Service has no endpoint. */
export type ServiceResolver = (service: {
  namespace: string;
  name: string;
  port: number;
}) => Address | undefined;

export interface WebhookClient {
  /** Posts a review. Throws an Error with the message that Go's HTTP client would give. */
  post(review: JsonObject, timeoutSeconds: number): Promise<unknown>;
  close(): Promise<void>;
}

// Less than the 90 s after which servers may close an idle connection, so that this client closes it first.
const KEEP_ALIVE_MS = 80_000;
const MAX_ANSWER_BYTES = 3 * 1024 * 1024;

/**
 * One client per webhook, with connections that stay open. A Service has the host name `name.namespace.svc`, which its
 * certificate must contain. The resolver gives the address for each connection.
 */
export function createWebhookClient(config: ClientConfig, resolveService: ServiceResolver): WebhookClient {
  const { service, caBundle } = config;
  const target =
    service === undefined
      ? new URL(config.url ?? "")
      : new URL(
          service.path ?? "/",
          `https://${service.name}.${service.namespace}.svc:${service.port ?? 443}`,
        );
  const ca = caBundle ? Buffer.from(caBundle, "base64").toString("utf8") : undefined;
  const connect = buildConnector({
    ...(ca === undefined ? {} : { ca }),
    rejectUnauthorized: true,
    timeout: 5_000,
  });
  const agent = new Agent({
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxResponseSize: MAX_ANSWER_BYTES,
    connect: service === undefined ? connect : serviceConnector(connect, service, resolveService),
  });

  return {
    async post(review, timeoutSeconds) {
      const url = new URL(target);
      url.searchParams.set("timeout", `${timeoutSeconds}s`);
      const shown =
        service === undefined
          ? url.href
          : url.href.replace(url.origin, `${target.protocol}//${target.hostname}:${service.port ?? 443}`);
      let answer: Dispatcher.ResponseData;
      let text: string;
      try {
        answer = await agent.request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: "POST",
          headers: { "content-type": "application/json", accept: "application/json, */*" },
          body: JSON.stringify(review),
          signal: AbortSignal.timeout(timeoutSeconds * 1000),
        });
        text = await answer.body.text();
      } catch (error) {
        throw new Error(`Post ${JSON.stringify(shown)}: ${transportMessage(error)}`, { cause: error });
      }
      if (answer.statusCode === 404) throw new Error("the server could not find the requested resource");
      if (answer.statusCode < 200 || answer.statusCode > 299) {
        throw new Error(
          `an error on the server (${JSON.stringify(text.trim().slice(0, 1024) || "unknown")}) has prevented the request from succeeding`,
        );
      }
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new Error(`couldn't get version/kind; json parse error: ${errorMessage(error)}`, {
          cause: error,
        });
      }
    },
    close: () => agent.close(),
  };
}

function serviceConnector(
  connect: buildConnector.connector,
  service: { namespace: string; name: string; port?: number },
  resolveService: ServiceResolver,
): buildConnector.connector {
  const { namespace, name, port = 443 } = service;
  return (options, callback) => {
    const address = resolveService({ namespace, name, port });
    if (address === undefined) {
      callback(new Error(`no endpoints available for service ${JSON.stringify(name)}`), null);
      return;
    }
    connect(
      {
        ...options,
        hostname: address.host,
        host: `${address.host}:${address.port}`,
        port: String(address.port),
        servername: `${name}.${namespace}.svc`,
      },
      callback,
    );
  };
}

function transportMessage(error: unknown): string {
  const { name, code, address, port } = error as {
    name?: string;
    code?: string;
    address?: string;
    port?: number;
  };
  if (name === "TimeoutError") return "context deadline exceeded";
  switch (code) {
    case "ECONNREFUSED":
      return `dial tcp ${address}:${port}: connect: connection refused`;
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    case "CERT_HAS_EXPIRED":
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `tls: failed to verify certificate: x509: ${errorMessage(error)}`;
    default:
      return errorMessage(error);
  }
}
