import type { IncomingMessage, ServerResponse } from "node:http";

/** Sets the CORS headers. Returns true when the request was a preflight, which is answered then. */
export function answerCors(
  request: IncomingMessage,
  response: ServerResponse,
  origins: readonly string[],
): boolean {
  const { origin } = request.headers;
  if (origins.length === 0 || origin === undefined) return false;
  addVary(response, "Origin");
  if (!origins.includes("*") && !origins.includes(origin)) return false;
  response.setHeader("Access-Control-Allow-Origin", origins.includes("*") ? "*" : origin);
  response.setHeader("Access-Control-Expose-Headers", "ETag, Link, Retry-After, X-Request-Id");
  if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined)
    return false;
  response.setHeader("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
  response.setHeader(
    "Access-Control-Allow-Headers",
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id, Traceparent, Tracestate",
  );
  response.setHeader("Access-Control-Max-Age", "600");
  response.statusCode = 204;
  response.end();
  return true;
}

/** Adds a request header on which the answer depends. */
export function addVary(response: ServerResponse, name: string): void {
  const before = response.getHeader("Vary");
  response.setHeader("Vary", before === undefined ? name : `${before}, ${name}`);
}
