import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { answerTokenRequest, type TokenRequestDeps } from "../access/token-request.ts";
import type { UserInfo } from "../access/user.ts";
import { decodeObject, readBody } from "../body.ts";
import { builtinSchema } from "../builtin/schema.ts";
import { refuseProtectedNamespace } from "../builtin-admission.ts";
import type { createLister } from "../list.ts";
import type { AnswerForm } from "../media-type.ts";
import { type ApiObject, listOf } from "../object.ts";
import { badRequest, methodNotAllowed, notFound, notImplemented } from "../refusal.ts";
import type { ResourceRequest } from "../request-info.ts";
import { type ResourceType, stored } from "../resource-type.ts";
import { parseSelection } from "../selection.ts";
import type { Store } from "../store.ts";
import { startWatch } from "../watch.ts";
import { type DeleteOptions, parseDeleteOptions } from "../write/delete-options.ts";
import type { Deleter } from "../write/deletion.ts";
import { parseWriteOptions, type WriteRequest } from "../write/request.ts";
import type { Writer } from "../write/writer.ts";
import type { Answer } from "./answer.ts";
import { parsePatchRequest } from "./patch-request.ts";
import { type PodLog, parseLogRequest } from "./pod-log.ts";
import { createPresentation } from "./presentation.ts";
import { asObject, assertKind } from "./request-object.ts";
import { checkRoute } from "./route.ts";
import { scaleOf, withScale } from "./scale.ts";

export interface ResourceHandlerDeps {
  store: Store;
  list: ReturnType<typeof createLister>;
  writer: Writer;
  remove: Deleter;
  tokenRequest: TokenRequestDeps;
  /** What a container wrote; undefined when nobody keeps it. */
  podLog: PodLog | undefined;
  now: () => Date;
  signal: AbortSignal;
}

export interface ResourceExchange {
  info: ResourceRequest;
  type: ResourceType;
  user: UserInfo;
  request: IncomingMessage;
  response: ServerResponse;
  answer: Answer;
  form: AnswerForm;
}

const OPTIONS_KIND: Record<string, string> = {
  create: "CreateOptions",
  update: "UpdateOptions",
  patch: "PatchOptions",
};

/** Serves one resource type's verbs. */
export function createResourceHandler(deps: ResourceHandlerDeps) {
  const { store, list, writer, remove, now, signal } = deps;

  function writeRequest(exchange: ResourceExchange, isApply = false): WriteRequest & { force: boolean } {
    const { info, type, user, request, answer } = exchange;
    const optionsKind = OPTIONS_KIND[info.verb] ?? "DeleteOptions";
    const options = parseWriteOptions(optionsKind, info.query, request.headers["user-agent"], isApply);
    return {
      ...options,
      user,
      type,
      subresource: info.subresource as WriteRequest["subresource"],
      namespace: type.namespaced ? info.namespace : "",
      name: info.name,
      warn: answer.warn,
    };
  }

  function live({ type, info }: ResourceExchange): ApiObject {
    const found = store.get(type.storage, type.namespaced ? info.namespace : "", info.name);
    if (found === undefined) throw notFound(type, info.name);
    return found;
  }

  function sendObject(exchange: ResourceExchange, code: number, object: ApiObject): void {
    const { type, answer, form, info } = exchange;
    const presentation = createPresentation(type, form, info.query, now);
    answer.send(code, presentation.object(stored(type, object)));
  }

  async function read(exchange: ResourceExchange): Promise<void> {
    const { type, info, form, answer, response } = exchange;
    if (info.verb === "get") {
      const found = live(exchange);
      if (info.subresource === "log") return sendLog(exchange, found);
      if (info.subresource === "scale") answer.send(200, scaleOf(type, found));
      else answer.send(200, createPresentation(type, form, info.query, now).object(found));
      return;
    }
    const selection = parseSelection(type, type.namespaced ? info.namespace : "", info.query);
    const presentation = createPresentation(type, form, info.query, now);
    if (info.verb === "list") return answer.send(200, presentation.list(list(type, selection, info.query)));
    answer.writeWarnings();
    startWatch({
      store,
      type,
      selection,
      query: info.query,
      response,
      present: presentation.object,
      bookmark: presentation.bookmark,
      signal,
    });
  }

  async function sendLog({ info, response, type }: ResourceExchange, pod: ApiObject): Promise<void> {
    if (deps.podLog === undefined) throw notImplemented(`${type.plural}/log`);
    const { namespace = "", name } = pod.metadata;
    const look = () => store.get(type.storage, namespace, name);
    const logs = deps.podLog(parseLogRequest(pod, info.query, look, signal));
    response.writeHead(200, { "Content-Type": "text/plain" });
    // Followed before anything is written, a client waits for the head.
    response.flushHeaders();
    await pipeline(logs, response).catch((error: NodeJS.ErrnoException) => {
      // Whoever follows goes when they have seen enough.
      if (error.code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
    });
  }

  async function create(exchange: ResourceExchange): Promise<void> {
    const { info, request } = exchange;
    const body = decodeObject(await readBody(request), request.headers["content-type"]);
    if (info.subresource === "token") {
      assertKind(body, "authentication.k8s.io", "v1", "TokenRequest");
      const answered = await answerTokenRequest(deps.tokenRequest, info.namespace, info.name, body);
      return exchange.answer.send(201, answered);
    }
    if (info.name !== "") throw methodNotAllowed();
    const object = asObject(body, exchange.type, exchange.info);
    sendObject(exchange, 201, await writer.create(object, writeRequest(exchange)));
  }

  async function update(exchange: ResourceExchange): Promise<void> {
    const { info, type, request, answer } = exchange;
    const body = decodeObject(await readBody(request), request.headers["content-type"]);
    const write = writeRequest(exchange);
    if (info.subresource === "scale") {
      assertKind(body, "autoscaling", "v1", "Scale");
      const updated = await writer.update(write, (object) => withScale(type, object, body));
      return answer.send(200, scaleOf(type, updated));
    }
    const object = asObject(body, exchange.type, exchange.info);
    if (object.metadata.name !== info.name) {
      throw badRequest(
        `the name of the object (${object.metadata.name ?? ""}) does not match the name on the URL (${info.name})`,
      );
    }
    const updated = await writer.update(write, () => structuredClone(object));
    sendObject(exchange, 200, updated);
  }

  async function patch(exchange: ResourceExchange): Promise<void> {
    const { info, type, request, answer } = exchange;
    const isScale = info.subresource === "scale";
    const builtin = isScale
      ? { schema: builtinSchema("autoscaling", "Scale") }
      : type.custom === undefined
        ? { schema: type.schema }
        : undefined;
    const patched = parsePatchRequest(await readBody(request), request.headers["content-type"], builtin);
    const write = writeRequest(exchange, patched.kind === "apply");
    if (patched.kind === "apply") {
      if (isScale) throw badRequest("server-side apply of a Scale is not served here: patch it another way");
      const config = asObject(patched.config, exchange.type, exchange.info);
      if (config.metadata.name && config.metadata.name !== info.name) {
        throw badRequest(
          `the name of the object (${config.metadata.name}) does not match the name on the URL (${info.name})`,
        );
      }
      config.metadata.name = info.name;
      const { object, created } = await writer.apply(config, write, write.force);
      return sendObject(exchange, created ? 201 : 200, object);
    }
    const updated = await writer.update(write, (object) =>
      isScale ? withScale(type, object, patched.change(scaleOf(type, object))) : patched.change(object),
    );
    if (isScale) answer.send(200, scaleOf(type, updated));
    else sendObject(exchange, 200, updated);
  }

  async function removeOne(exchange: ResourceExchange): Promise<void> {
    const { type, info, answer } = exchange;
    const options = await deleteOptions(exchange);
    const write = writeRequest(exchange);
    refuseProtectedNamespace(write);
    const { object, gone } = await remove(write, options);
    // Pods and service accounts are answered as they were, other objects by the word that they are gone.
    if (!gone || type.storage === "/pods" || type.storage === "/serviceaccounts")
      return sendObject(exchange, 200, object);
    answer.send(200, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: {
        name: info.name,
        ...(type.group === "" ? {} : { group: type.group }),
        kind: type.plural,
        uid: object.metadata.uid,
      },
    });
  }

  async function removeCollection(exchange: ResourceExchange): Promise<void> {
    const { type, info, answer, form } = exchange;
    const options = await deleteOptions(exchange);
    const write = writeRequest(exchange);
    const selection = parseSelection(type, write.namespace, info.query);
    const page = list(type, selection, info.query);
    for (const item of page.items) {
      const request = { ...write, namespace: item.metadata.namespace ?? "", name: item.metadata.name };
      await remove(request, options).catch((error: { code?: number }) => {
        if (error.code !== 404) throw error;
      });
    }
    answer.send(200, createPresentation(type, form, info.query, now).list(page));
  }

  async function deleteOptions({ request, info }: ResourceExchange): Promise<DeleteOptions> {
    const body = await readBody(request);
    const decoded = body.length === 0 ? {} : decodeObject(body, request.headers["content-type"]);
    for (const value of listOf(decoded.dryRun)) info.query.append("dryRun", String(value));
    return parseDeleteOptions(decoded, info.query);
  }

  return async function handle(exchange: ResourceExchange): Promise<void> {
    const { info, type } = exchange;
    checkRoute(info, type);
    switch (info.verb) {
      case "get":
      case "list":
      case "watch":
        return read(exchange);
      case "create":
        return create(exchange);
      case "update":
        return update(exchange);
      case "patch":
        return patch(exchange);
      case "delete":
        return removeOne(exchange);
      case "deletecollection":
        return removeCollection(exchange);
      default:
        throw methodNotAllowed();
    }
  };
}
