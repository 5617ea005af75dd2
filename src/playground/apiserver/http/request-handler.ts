import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Authenticator } from "../access/authentication.ts";
import { type Attributes, type Authorizer, type Decision, forbidden } from "../access/authorization.ts";
import { impersonatedUser } from "../access/impersonation.ts";
import type { ReviewHandler } from "../access/review.ts";
import type { UserInfo } from "../access/user.ts";
import { decodeObject, readBody } from "../body.ts";
import { REVIEWS } from "../builtin/resource.ts";
import type { Logger } from "../logger.ts";
import { answerForm } from "../media-type.ts";
import { apiVersionOf } from "../object.ts";
import { badRequest, methodNotAllowed, noSuchPath } from "../refusal.ts";
import type { Registry } from "../registry.ts";
import { isPortForward, parseRequestInfo, type RequestInfo, type ResourceRequest } from "../request-info.ts";
import { StatusError } from "../status.ts";
import { type Answer, createAnswer } from "./answer.ts";
import type { createPathHandler } from "./path-handler.ts";
import type { createResourceHandler } from "./resource-handler.ts";

interface GateDeps {
  authenticator: Authenticator;
  authorizer: Authorizer;
  /** Receives each request when it is authorized or refused. */
  audit(attributes: Attributes, decision: Decision): void;
}

export interface RequestHandlerDeps {
  admit: ReturnType<typeof createGate>;
  registry: Registry;
  reviews: Record<string, ReviewHandler>;
  handleResource: ReturnType<typeof createResourceHandler>;
  handlePath: ReturnType<typeof createPathHandler>;
  logger: Logger;
}

/** Authenticates, impersonates and authorizes a request. Throws a `StatusError` if the request is not allowed. */
export function createGate({ authenticator, authorizer, audit }: GateDeps) {
  return async function admit(request: IncomingMessage): Promise<{ info: RequestInfo; user: UserInfo }> {
    const info = parseRequestInfo(request.method ?? "GET", request.url ?? "/");
    const requestor = await authenticator.authenticate(
      request as Parameters<typeof authenticator.authenticate>[0],
    );
    const user = impersonatedUser(requestor, groupsApart(request), authorizer);
    for (const attributes of attributesOf(info, user)) {
      const decision = authorizer.authorize(attributes);
      audit(attributes, decision);
      if (!decision.allowed) throw forbidden(attributes, decision.reason);
    }
    return { info, user };
  };
}

/** Handles a request: authenticates, impersonates, authorizes, serves. Every refusal is a Status. */
export function createRequestHandler(deps: RequestHandlerDeps): RequestListener {
  const { admit, registry, reviews, handleResource, handlePath, logger } = deps;

  async function serve(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
    const { info, user } = await admit(request);
    if (info.kind === "path" || info.plural === "") {
      const path =
        info.kind === "path"
          ? info
          : {
              kind: "path" as const,
              verb: info.method.toLowerCase(),
              path: (request.url ?? "").split("?")[0] ?? "",
              query: info.query,
            };
      return handlePath(path, request, answer);
    }
    const review = REVIEWS.find(({ group, plural }) => group === info.group && plural === info.plural);
    if (review !== undefined && info.version === "v1")
      return answerReview(review, info, user, request, answer);
    const type = registry.find(info.group, info.version, info.plural);
    if (type === undefined) throw noSuchPath();
    const form = answerForm(request.headers.accept);
    await handleResource({ info, type, user, request, response, answer, form });
  }

  async function answerReview(
    { group, plural, kind, namespaced }: (typeof REVIEWS)[number],
    info: ResourceRequest,
    user: UserInfo,
    request: IncomingMessage,
    answer: Answer,
  ): Promise<void> {
    if (info.verb !== "create" || info.name !== "") throw methodNotAllowed();
    if (namespaced === (info.namespace === "")) throw noSuchPath();
    const body = decodeObject(await readBody(request), request.headers["content-type"]);
    const apiVersion = apiVersionOf(group, "v1");
    if ((body.kind ?? kind) !== kind || (body.apiVersion ?? apiVersion) !== apiVersion) {
      throw badRequest(`the body must be a ${kind} of ${apiVersion}`);
    }
    const handler = reviews[plural];
    if (handler === undefined) throw noSuchPath();
    const metadata = body.metadata ?? {};
    const answered = await handler({
      user,
      ...(info.namespace === "" ? {} : { namespace: info.namespace }),
      body: { ...body, kind, apiVersion, metadata },
    });
    answer.send(201, answered);
  }

  return (request, response) => {
    const answer = createAnswer(response, () => {
      try {
        return answerForm(request.headers.accept);
      } catch {
        return { encoding: "json", as: "object" };
      }
    });
    serve(request, response, answer).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) {
        response.destroy();
        if (!(error instanceof StatusError))
          logger.error({ err: error, path: request.url }, "request failed midway");
        return;
      }
      if (error instanceof StatusError) return answer.refuse(error);
      logger.error(
        { err: error, method: request.method, path: (request.url ?? "").split("?")[0] },
        "request failed",
      );
      answer.refuse(new StatusError(500, "InternalError", "Internal error occurred: see the server's log"));
    });
  };
}

/** The headers with repeated group headers as a list. Node would join them. */
function groupsApart(request: IncomingMessage): IncomingMessage["headers"] {
  const groups = request.headersDistinct["impersonate-group"];
  return groups === undefined
    ? request.headers
    : ({ ...request.headers, "impersonate-group": groups } as never);
}

/** Opening a connection is a GET. Since Kubernetes 1.35 it also needs the right to create. */
function attributesOf(info: RequestInfo, user: UserInfo): Attributes[] {
  if (info.kind === "path") return [{ user, verb: info.verb, path: info.path }];
  const { verb, group, plural, subresource, namespace, name } = info;
  const verbs = verb === "get" && isPortForward(info) ? ["get", "create"] : [verb];
  return verbs.map((each) => ({ user, verb: each, group, resource: plural, subresource, namespace, name }));
}
