import { randomUUID } from "node:crypto";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { Counter, Histogram, type Registry } from "prom-client";
import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { CodedError, RequestError, TokenError } from "../errors.ts";
import type { Caller, TokenVerifier } from "../token.ts";
import { voucherKey } from "../voucher.ts";
import type { Access, Answer, Operation } from "./operation.ts";
import { problemOf } from "./problem.ts";
import { parseStrictJson, requirePlainString } from "./strict-json.ts";
import type { Validator } from "./validation.ts";

const MAX_BODY_BYTES = 64 * 1024;
const ANONYMOUS: Caller = {
  userId: "",
  email: "",
  roles: new Set(),
  issuer: "oidc",
  token: { issuer: "", id: "" },
};
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

export interface AppDeps {
  operations: readonly Operation[];
  verifyToken: TokenVerifier;
  validator: Validator;
  clientAddress: (peer: string | undefined, forwardedFor: string | string[] | undefined) => string;
  /** Origins that browsers may call from; `*` for any. */
  corsOrigins: readonly string[];
  logger: Logger;
  registry: Registry;
}

/** The HTTP face: each operation behind the same steps (who, what, how often), each answer and problem written in one place. */
export function createApp(deps: AppDeps): Express {
  const { operations, verifyToken, validator, clientAddress, corsOrigins, logger } = deps;
  const observe = createObserver(deps.registry);
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("case sensitive routing", true);
  app.set("query parser", "simple");

  app.use((request, response, next) => {
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Cache-Control", "no-store");
    response.setHeader("X-Request-Id", randomUUID());
    observe(request, response);
    if (!answerCors(request, response, corsOrigins)) next();
  });

  const readBody = express.raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false });

  for (const operation of operations) {
    const check = typeof operation.body === "object" ? validator.compile(operation.body) : undefined;
    const path = operation.path.replace(/\{(\w+)\}/g, ":$1");
    app[operation.method](path, async (request: Request, response: Response) => {
      response.locals.route = operation.path;
      const caller = await authorize(operation.access, request, verifyToken);
      const params = textsOf(request.params);
      const query = queryOf(operation, request.query);
      const rawBody =
        operation.body === undefined ? Buffer.alloc(0) : await bodyOf(readBody, request, response);
      const body = check === undefined ? undefined : parseStrictJson(rawBody);
      check?.(body);
      const answer = await operation.handle({
        caller,
        params,
        query,
        body,
        rawBody,
        idempotencyKey: operation.takesIdempotencyKey ? idempotencyKeyOf(request) : undefined,
        headers: request.headers,
        client: clientAddress(request.socket.remoteAddress, request.headers["x-forwarded-for"]),
      });
      write(response, answer);
    });
  }
  // After all methods of all paths: a known path with another method.
  for (const path of new Set(operations.map((operation) => operation.path))) {
    const allow = operations
      .filter((operation) => operation.path === path)
      .map(({ method }) => method.toUpperCase());
    app.all(path.replace(/\{(\w+)\}/g, ":$1"), (_request, response) => {
      response.locals.route = path;
      response.setHeader("Allow", allow.join(", "));
      throw new RequestError("method_not_allowed", `this path takes ${allow.join(", ")}: use one of them`);
    });
  }
  app.use(() => {
    throw new RequestError("not_found", "there is nothing at this path: see /openapi.json");
  });

  app.use((thrown: unknown, request: Request, response: Response, _next: NextFunction) => {
    const error = requestErrorOf(thrown);
    const { problem, headers } = problemOf(error);
    response.locals.code = problem.code;
    if (problem.status >= 500) {
      const cause = error instanceof CodedError ? error.cause : error;
      logger[problem.status === 500 ? "error" : "warn"](
        {
          requestId: response.getHeader("X-Request-Id"),
          method: request.method,
          route: response.locals.route,
          code: problem.code,
          reason: errorMessage(cause),
          ...(problem.status === 500 && cause instanceof Error ? { stack: cause.stack } : {}),
        },
        "a request failed",
      );
    }
    if (response.headersSent) return void response.destroy();
    // What is left of a body that nobody read would be taken for the next request.
    if (!request.complete) response.setHeader("Connection", "close");
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    send(response, problem.status, "application/problem+json; charset=utf-8", JSON.stringify(problem));
  });
  return app;
}

async function authorize(access: Access, request: Request, verifyToken: TokenVerifier): Promise<Caller> {
  if (access === "anyone") return ANONYMOUS;
  const caller = await verifyToken(request.headers.authorization);
  if (access !== "user" && !access.some((role) => caller.roles.has(role))) {
    throw new TokenError("role_missing", `this needs the role ${access.join(" or ")}: ask an administrator`);
  }
  return caller;
}

function bodyOf(readBody: express.RequestHandler, request: Request, response: Response): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    readBody(request, response, (error?: unknown) => {
      if (error !== undefined) reject(error);
      else resolve(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    });
  });
}

function textsOf(params: Request["params"]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(params)) {
    const text = String(value);
    requirePlainString(text);
    if (voucherKey(text) === "")
      throw new RequestError("request_invalid", `${name} in the path is blank: name one`);
    texts[name] = text;
  }
  return texts;
}

/** The named parameters that the operation knows; others are nobody's business. Twice is refused: which one counts? */
function queryOf(operation: Operation, given: Request["query"]): Record<string, string> {
  const query: Record<string, string> = {};
  for (const name of Object.keys(operation.query ?? {})) {
    if (!Object.hasOwn(given, name)) continue;
    const value = given[name];
    if (typeof value !== "string")
      throw new RequestError("request_invalid", `${name} is given twice: give it once`);
    requirePlainString(value);
    query[name] = value;
  }
  return query;
}

function idempotencyKeyOf(request: Request): string | undefined {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key === "string" && IDEMPOTENCY_KEY.test(key)) return key;
  throw new RequestError(
    "idempotency_key_invalid",
    "Idempotency-Key must be 1 to 255 visible ASCII characters: send another key",
  );
}

/** Errors of express and its body reader, told apart by their own codes, as ours. */
function requestErrorOf(error: unknown): unknown {
  const { type, status } = (error ?? {}) as { type?: unknown; status?: unknown };
  if (error instanceof CodedError || typeof status !== "number" || status < 400 || status >= 500)
    return error;
  if (type === "entity.too.large")
    return new RequestError("body_too_large", `the body exceeds ${MAX_BODY_BYTES} bytes: send less`, {
      cause: error,
    });
  if (type === "encoding.unsupported") {
    return new RequestError("body_encoding_unsupported", "a compressed body is not taken: send it as it is", {
      cause: error,
    });
  }
  return new RequestError(
    "request_invalid",
    "the request is malformed: check the path's encoding and the body's length",
    { cause: error },
  );
}

function write(response: Response, answer: Answer): void {
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (answer.kind === "json")
    send(response, answer.status, "application/json; charset=utf-8", JSON.stringify(answer.body));
  else send(response, answer.status, answer.contentType, answer.text);
}

function send(response: Response, status: number, contentType: string, text: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", contentType);
  response.setHeader("Content-Length", Buffer.byteLength(text));
  response.end(response.req.method === "HEAD" ? undefined : text);
}

/** Sets what a browser needs to hear; true when the request was a preflight and is answered. */
function answerCors(request: Request, response: Response, origins: readonly string[]): boolean {
  const { origin } = request.headers;
  if (origins.length === 0 || origin === undefined) return false;
  response.vary("Origin");
  if (!origins.includes("*") && !origins.includes(origin)) return false;
  response.setHeader("Access-Control-Allow-Origin", origins.includes("*") ? "*" : origin);
  response.setHeader("Access-Control-Expose-Headers", "Link, Retry-After");
  if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined)
    return false;
  response.setHeader("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
  response.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key");
  response.setHeader("Access-Control-Max-Age", "600");
  response.statusCode = 204;
  response.end();
  return true;
}

function createObserver(registry: Registry) {
  const duration = new Histogram({
    name: "catalyst_billing_http_request_duration_seconds",
    help: "Time to answer, by route, method and status.",
    labelNames: ["route", "method", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  const refusals = new Counter({
    name: "catalyst_billing_refusals_total",
    help: "Problems answered, by route and code.",
    labelNames: ["route", "code"],
    registers: [registry],
  });
  return (request: Request, response: Response) => {
    const stop = duration.startTimer();
    response.on("finish", () => {
      const route: string = response.locals.route ?? "unmatched";
      stop({ route, method: request.method, status: response.statusCode });
      if (response.locals.code !== undefined) refusals.inc({ route, code: response.locals.code });
    });
  };
}
