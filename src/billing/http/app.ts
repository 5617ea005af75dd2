import express, { type Express, type NextFunction, type Request, type Response } from "express";
import type { Logger } from "../../platform/log.ts";
import type { Registry } from "../../platform/metrics.ts";
import type { Caller, TokenVerifier } from "../auth/token.ts";
import { CodedError, RequestError, TokenError } from "../errors.ts";
import { bodyOf, requestErrorOf, requireJsonType } from "./body.ts";
import { answerCors } from "./cors.ts";
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

/** Serves the operations. Each request passes the same checks, and each answer and problem is written in one place. */
export function createApp(deps: AppDeps): Express {
  const { operations, verifyToken, validator, clientAddress, corsOrigins, logger, registry, tracing } = deps;
  const observe = createObserver({ registry, logger });
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("case sensitive routing", true);
  app.set("query parser", "simple");

  app.use((request, response, next) => {
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Cache-Control", "no-store");
    const client = clientAddress(request.socket.remoteAddress, request.headers["x-forwarded-for"]);
    const observation = observe(request, response, client);
    Object.assign(response.locals, { client, observation });
    response.setHeader("X-Request-Id", observation.requestId);
    if (!answerCors(request, response, corsOrigins)) tracing.run(observation.trace, next);
  });

  for (const operation of operations) {
    const check = typeof operation.body === "object" ? validator.compile(operation.body) : undefined;
    const path = operation.path.replace(/\{(\w+)\}/g, ":$1");
    app[operation.method](path, async (request: Request, response: Response) => {
      observationOf(response).route = operation.path;
      const caller = await authorize(operation, request, verifyToken);
      const params = textsOf(request.params, operation.blankParams);
      const query = queryOf(operation, request.query);
      if (check !== undefined) requireJsonType(request.headers["content-type"]);
      const rawBody = operation.body === undefined ? Buffer.alloc(0) : await bodyOf(request, response);
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
        client: response.locals.client,
      });
      write(response, answer);
    });
  }
  // Registered after all operations, so that it receives only other methods on known paths.
  for (const path of new Set(operations.map((operation) => operation.path))) {
    const allow = operations
      .filter((operation) => operation.path === path)
      .map(({ method }) => method.toUpperCase());
    if (allow.includes("GET")) allow.push("HEAD");
    app.all(path.replace(/\{(\w+)\}/g, ":$1"), (request, response) => {
      observationOf(response).route = path;
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

  app.use((thrown: unknown, request: Request, response: Response, _next: NextFunction) => {
    const error = requestErrorOf(thrown);
    const { problem, headers } = problemOf(error, request.path);
    const observation = observationOf(response);
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
  });
  return app;
}

function observationOf(response: Response): Observation {
  return response.locals.observation;
}

async function authorize(
  operation: Operation,
  request: Request,
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
async function identify(request: Request, verifyToken: TokenVerifier): Promise<Caller> {
  if (request.headers.authorization === undefined) return ANONYMOUS;
  try {
    return await verifyToken(request.headers.authorization);
  } catch (error) {
    if (error instanceof TokenError) return ANONYMOUS;
    throw error;
  }
}

function textsOf(params: Request["params"], mayBeBlank: readonly string[] = []): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(params)) {
    const text = String(value);
    requirePlainString(text);
    if (BLANK.test(text) && !mayBeBlank.includes(name))
      throw new RequestError("request_invalid", `${name} in the path is blank: fill it in`);
    texts[name] = text;
  }
  return texts;
}

/** The query parameters that the operation has. Others are ignored. A parameter that is given twice is refused as ambiguous. */
function queryOf(operation: Operation, given: Request["query"]): Record<string, string> {
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

function idempotencyKeyOf(request: Request): string | undefined {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key === "string" && IDEMPOTENCY_KEY.test(key)) return key;
  throw new RequestError(
    "idempotency_key_invalid",
    "Idempotency-Key must have 1 to 255 visible ASCII characters: send another key",
  );
}

function write(response: Response, answer: Answer): void {
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    // CORS may have set this header already.
    if (name === "Vary") response.vary(value);
    else response.setHeader(name, value);
  }
  if (answer.kind === "empty") response.status(answer.status).end();
  else if (answer.kind === "json")
    send(response, answer.status, "application/json; charset=utf-8", JSON.stringify(answer.body));
  else send(response, answer.status, answer.contentType, answer.text);
}

function send(response: Response, status: number, contentType: string, text: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", contentType);
  response.setHeader("Content-Length", Buffer.byteLength(text));
  response.end(response.req.method === "HEAD" ? undefined : text);
}
