import type { IncomingMessage, ServerResponse } from "node:http";
import type { UserInfo } from "../access/user.ts";
import type { AnswerForm } from "../media-type.ts";
import type { ApiObject } from "../object.ts";
import type { ResourceRequest } from "../request-info.ts";
import { type ResourceType, stored } from "../resource-type.ts";
import { parseWriteOptions, type WriteRequest } from "../write/request.ts";
import type { Answer } from "./answer.ts";
import { createPresentation, type Presentation } from "./presentation.ts";

/** An authorized request for a resource, and the answer to it. */
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

/** The namespace of the object; empty for a cluster-scoped resource. */
export function namespaceOf({ type, info }: ResourceExchange): string {
  return type.namespaced ? info.namespace : "";
}

export function presentationOf({ type, form, info }: ResourceExchange, now: () => Date): Presentation {
  return createPresentation(type, form, info.query, now);
}

export function sendObject(
  exchange: ResourceExchange,
  code: number,
  object: ApiObject,
  now: () => Date,
): void {
  exchange.answer.send(code, presentationOf(exchange, now).object(stored(exchange.type, object)));
}

export function writeRequestOf(
  exchange: ResourceExchange,
  isApply = false,
): WriteRequest & { force: boolean } {
  const { info, type, user, request, answer } = exchange;
  const optionsKind = OPTIONS_KIND[info.verb] ?? "DeleteOptions";
  const options = parseWriteOptions(optionsKind, info.query, request.headers["user-agent"], isApply);
  return {
    ...options,
    user,
    type,
    subresource: info.subresource as WriteRequest["subresource"],
    namespace: namespaceOf(exchange),
    name: info.name,
    isPatch: info.verb === "patch",
    warn: answer.warn,
  };
}
