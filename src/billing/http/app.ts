import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import express, { type NextFunction, type Request, type Response } from "express";
import type { Logger } from "../../platform/log.ts";
import type { Registry } from "../../platform/metrics.ts";
import type { Caller, TokenVerifier } from "../auth/token.ts";
import { CodedError, RequestError, TokenError } from "../errors.ts";
import { bodyOf, requestErrorOf, requireJsonType } from "./body.ts";
import { addVary, answerCors } from "./cors.ts";
import { describeFault, placesOf } from "./fault.ts";
import { createObserver, type Observation } from "./observation.ts";
import { type Answer, accessOf, mayOnlyRead, type Operation } from "./operation.ts";
import { problemOf } from "./problem.ts";
import { parseStrictJson, requirePlainString } from "./strict-json.ts";
import type { Tracing } from "./trace-context.ts";
import type { Validator } from "./validation.ts";

const ANONYMOUS: Caller = {
  userId: "",
  email: "",
  roles: new Set(),
  issuer: "oidc",
  token: { issuer: "", id: "" },
};
const BLANK = /^[ \t\n\r\f\v]*$/;
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
  tracing: Tracing;
}

/** The data of a request, from its first check to its log line. */
interface Exchange {
  client: string;
  observation: Observation;
}

type Serve = (
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
  params: Readonly<Record<string, string>>,
  query: Readonly<Record<string, unknown>>,
) => Promise<void>;

const NOTHING = {};

/**
 * Serves the operations. Each request passes the same checks, and each answer and problem is written in one place. A request
 * for exactly the path of an operation does not pass through Express, which costs processor time
 * (docs/adr/0009-express.md). Express decides about all others: parameters, queries, HEAD, other methods and unknown paths.
 */
export function createApp(deps: AppDeps): RequestListener {
  const { operations, validator, clientAddress, corsOrigins, logger, registry, tracing, verifyToken } = deps;
  const observe = createObserver({ registry, logger });
  const fail = createFailure(logger);
  const routes = operations.map((operation) => ({
    operation,
    serve: createServe(operation, verifyToken, validator),
  }));
  const direct = new Map(
    routes
      .filter(({ operation }) => !operation.path.includes("{"))
      .map(({ operation, serve }) => [`${operation.method.toUpperCase()} ${operation.path}`, serve]),
  );
  const routed = createRouter(routes, fail);

  return (request, response) => {
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Cache-Control", "no-store");
    const client = clientAddress(request.socket.remoteAddress, request.headers["x-forwarded-for"]);
    const observation = observe(request, response, client);
    const exchange = { client, observation };
    response.setHeader("X-Request-Id", observation.requestId);
    if (corsOrigins.length > 0 && answerCors(request, response, corsOrigins)) return;
    const serve = direct.get(`${request.method} ${request.url}`);
    tracing.run(observation.trace, () => {
      if (serve === undefined) routed(request, response, exchange);
      else
        serve(request, response, exchange, NOTHING, NOTHING).catch((error: unknown) =>
          fail(error, request, response, exchange, request.url ?? ""),
        );
    });
  };
}

/** Checks a request for one operation, and writes the answer. Rejects with everything that is not an answer. */
function createServe(operation: Operation, verifyToken: TokenVerifier, validator: Validator): Serve {
  const check = typeof operation.body === "object" ? validator.compile(operation.body) : undefined;
  return async (request, response, { client, observation }, givenParams, givenQuery) => {
    observation.route = operation.path;
    const caller =
      operation.access === "anyone" && request.headers.authorization === undefined
        ? ANONYMOUS
        : await authorize(operation, request, verifyToken);
    const params = textsOf(givenParams, operation.blankParams);
    const query = queryOf(operation, givenQuery);
    if (check !== undefined) requireJsonType(request.headers["content-type"]);
    const rawBody = operation.body === undefined ? Buffer.alloc(0) : await bodyOf(request);
    const body = check === undefined ? undefined : parseStrictJson(rawBody);
    check?.(body);
    const idempotencyKey = operation.takesIdempotencyKey ? idempotencyKeyOf(request) : undefined;
    const { headers } = request;
    write(
      response,
      await operation.handle({ caller, params, query, body, rawBody, idempotencyKey, headers, client }),
    );
  };
}

/** Express's router for the operations, and for requests that match no operation. */
function createRouter(routes: readonly { operation: Operation; serve: Serve }[], fail: Failure) {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("case sensitive routing", true);
  app.set("query parser", "simple");
  const exchangeOf = (response: Response): Exchange => response.locals.exchange;

  for (const { operation, serve } of routes) {
    app[operation.method](routeOf(operation.path), (request: Request, response: Response) =>
      serve(request, response, exchangeOf(response), request.params as Record<string, string>, request.query),
    );
  }
  // Registered after all operations, so that it receives only other methods on known paths.
  for (const path of new Set(routes.map(({ operation }) => operation.path))) {
    const allow = routes
      .filter(({ operation }) => operation.path === path)
      .map(({ operation }) => operation.method.toUpperCase());
    if (allow.includes("GET")) allow.push("HEAD");
    app.all(routeOf(path), (request, response) => {
      exchangeOf(response).observation.route = path;
      response.setHeader("Allow", allow.join(", "));
      if (request.method === "OPTIONS") return void response.status(204).end();
      throw new RequestError(
        "method_not_allowed",
        `this path supports ${allow.join(", ")}: use one of these methods`,
      );
    });
  }
  app.use(() => {
    throw new RequestError("not_found", "nothing exists at this path: see /openapi.json");
  });
  app.use((thrown: unknown, request: Request, response: Response, _next: NextFunction) =>
    fail(thrown, request, response, exchangeOf(response), request.path),
  );
  return (request: IncomingMessage, response: ServerResponse, exchange: Exchange): void => {
    (response as Response).locals = { exchange };
    app(request, response);
  };
}

const routeOf = (path: string) => path.replace(/\{(\w+)\}/g, ":$1");

type Failure = ReturnType<typeof createFailure>;

/** Writes the answer to anything that was thrown. */
function createFailure(logger: Logger) {
  return (
    thrown: unknown,
    request: IncomingMessage,
    response: ServerResponse,
    { observation }: Exchange,
    path: string,
  ): void => {
    const error = requestErrorOf(thrown);
    const { problem, headers } = problemOf(error, path);
    observation.code = problem.code;
    if (problem.status >= 500) {
      const { requestId, trace, route } = observation;
      const cause = error instanceof CodedError ? error.cause : error;
      logger[problem.status === 500 ? "error" : "warn"](
        {
          requestId,
          traceId: trace.traceId,
          route,
          code: problem.code,
          ...describeFault(cause),
          ...(problem.status === 500 ? { at: placesOf(cause) } : {}),
        },
        "a request failed",
      );
    }
    if (response.headersSent) return void response.destroy();
    // The rest of an unread body would be parsed as the next request.
    if (!request.complete) response.setHeader("Connection", "close");
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    send(response, problem.status, "application/problem+json; charset=utf-8", JSON.stringify(problem));
  };
}

async function authorize(
  operation: Operation,
  request: IncomingMessage,
  verifyToken: TokenVerifier,
): Promise<Caller> {
  const access = accessOf(operation);
  if (access === "anyone") return operation.identifiesCaller ? identify(request, verifyToken) : ANONYMOUS;
  const caller = await verifyToken(request.headers.authorization);
  if (access !== "user" && !access.some((role) => caller.roles.has(role))) {
    throw new TokenError("role_missing", `the role ${access.join(" or ")} is required: ask an administrator`);
  }
  if (operation.method !== "get" && mayOnlyRead(caller.roles)) {
    throw new TokenError(
      "role_missing",
      "the role sovereign-auditor may only read: sign in with another role",
    );
  }
  return caller;
}

/** The caller of an operation that is open to anyone. A token that is not valid counts as none. */
async function identify(request: IncomingMessage, verifyToken: TokenVerifier): Promise<Caller> {
  if (request.headers.authorization === undefined) return ANONYMOUS;
  try {
    return await verifyToken(request.headers.authorization);
  } catch (error) {
    if (error instanceof TokenError) return ANONYMOUS;
    throw error;
  }
}

function textsOf(
  params: Readonly<Record<string, string>>,
  mayBeBlank: readonly string[] = [],
): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, text] of Object.entries(params)) {
    requirePlainString(text);
    if (BLANK.test(text) && !mayBeBlank.includes(name))
      throw new RequestError("request_invalid", `${name} in the path is blank: fill it in`);
    texts[name] = text;
  }
  return texts;
}

/** The query parameters that the operation has. Others are ignored. A parameter that is given twice is refused as ambiguous. */
function queryOf(
  operation: Operation,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const query: Record<string, string> = {};
  for (const name of Object.keys(operation.query ?? {})) {
    if (!Object.hasOwn(given, name)) continue;
    const value = given[name];
    if (typeof value !== "string")
      throw new RequestError("request_invalid", `${name} is given twice: send it once`);
    requirePlainString(value);
    query[name] = value;
  }
  return query;
}

function idempotencyKeyOf(request: IncomingMessage): string | undefined {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key === "string" && IDEMPOTENCY_KEY.test(key)) return key;
  throw new RequestError(
    "idempotency_key_invalid",
    "Idempotency-Key must have 1 to 255 visible ASCII characters: send another key",
  );
}

function write(response: ServerResponse, answer: Answer): void {
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    // CORS may have set this header already.
    if (name === "Vary") addVary(response, value);
    else response.setHeader(name, value);
  }
  if (answer.kind === "empty") response.writeHead(answer.status).end();
  else if (answer.kind === "json")
    send(response, answer.status, "application/json; charset=utf-8", JSON.stringify(answer.body));
  else send(response, answer.status, answer.contentType, answer.text);
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", contentType);
  response.setHeader("Content-Length", Buffer.byteLength(text));
  response.end(response.req.method === "HEAD" ? undefined : text);
}
