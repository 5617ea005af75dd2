import { createHmac, randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../../platform/log.ts";
import { Counter, Histogram, type Registry } from "../../platform/metrics.ts";
import { PROBE_ROUTES } from "./request-count.ts";
import { type TraceContext, traceContextOf } from "./trace-context.ts";

/** A caller's request id is used only when it is a UUID, with or without hyphens: no other text of a client gets into logs. */
const REQUEST_ID = /^[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}$/;
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** nginx's status for a client that disconnects before the answer is complete. */
const CLIENT_GONE = 499;

export interface Observation {
  requestId: string;
  trace: TraceContext;
  /** The path's template. The path itself may contain a voucher's code. */
  route: string;
  /** The code of the problem that was answered. */
  code?: string;
}

function methodOf({ method = "" }: IncomingMessage): string {
  return METHODS.has(method) ? method : "other";
}

/** The number of clients whose hashes are cached. One hash takes 5 µs. */
const MAX_KNOWN_CLIENTS = 1_000;

/** A client's address as a keyed hash. The key is the process's own. */
function createClientHash(): (client: string) => string {
  const key = randomBytes(32);
  const known = new Map<string, string>();
  return (client) => {
    const before = known.get(client);
    if (before !== undefined) return before;
    if (known.size >= MAX_KNOWN_CLIENTS) known.clear();
    const hash = createHmac("sha256", key).update(client).digest("hex").slice(0, 12);
    known.set(client, hash);
    return hash;
  };
}

/**
 * Measures and logs each request, with one sample and one line. Labels come from closed sets (path templates, known methods,
 * codes), so a hostile client can neither create series nor write text into a log. Client addresses are keyed hashes:
 * requests can be correlated within a process, not traced to a person.
 */
export function createObserver(deps: { registry: Registry; logger: Logger }) {
  const { registry, logger } = deps;
  const clientHash = createClientHash();
  const duration = new Histogram({
    name: "catalyst_billing_http_request_duration_seconds",
    help: "Time until the answer was sent, by route, method and status.",
    labelNames: ["route", "method", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  const refusals = new Counter({
    name: "catalyst_billing_refusals_total",
    help: "Error answers, by route and code.",
    labelNames: ["route", "code"],
    registers: [registry],
  });

  return (request: IncomingMessage, response: ServerResponse, client: string): Observation => {
    const startMs = performance.now();
    const given = request.headers["x-request-id"];
    const observation: Observation = {
      requestId: typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID(),
      trace: traceContextOf(request.headers),
      route: "unmatched",
    };
    response.once("close", () => {
      const { route, code, requestId, trace } = observation;
      const durationMs = performance.now() - startMs;
      const method = methodOf(request);
      const status = response.writableFinished ? response.statusCode : CLIENT_GONE;
      duration.observe({ route, method, status }, durationMs / 1_000);
      if (code !== undefined) refusals.inc({ route, code });
      // A probe arrives every few seconds, so its line is for debugging only.
      const level = PROBE_ROUTES.has(route) && status < 400 ? "debug" : "info";
      if (!logger.isLevelEnabled(level)) return;
      logger[level](
        {
          requestId,
          traceId: trace.traceId,
          spanId: trace.spanId,
          method,
          route,
          status,
          ...(code === undefined ? {} : { code }),
          durationMs: Math.round(durationMs * 10) / 10,
          client: clientHash(client),
        },
        "request",
      );
    });
    return observation;
  };
}
