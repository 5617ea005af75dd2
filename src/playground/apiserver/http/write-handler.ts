import { answerTokenRequest, type TokenRequestDeps } from "../access/token-request.ts";
import { decodeObject, readBody } from "../body.ts";
import { builtinSchema } from "../builtin/schema.ts";
import { type ApiObject, copyJson, type JsonObject } from "../object.ts";
import { badRequest, methodNotAllowed } from "../refusal.ts";
import type { ResourceRequest } from "../request-info.ts";
import type { ResourceType } from "../resource-type.ts";
import type { Admission } from "../write/admission.ts";
import type { Writer } from "../write/writer.ts";
import { type ResourceExchange, sendObject, writeRequestOf } from "./exchange.ts";
import { parsePatchRequest } from "./patch-request.ts";
import { asObject, assertKind, refuseDuplicates } from "./request-object.ts";
import { scaleOf, withScale } from "./scale.ts";

export interface WriteHandlerDeps {
  writer: Writer;
  admission: Admission;
  tokenRequest: TokenRequestDeps;
  now: () => Date;
}

/** Serves create, update and patch. */
export function createWriteHandler({ writer, admission, tokenRequest, now }: WriteHandlerDeps) {
  async function create(exchange: ResourceExchange): Promise<void> {
    const { info, request } = exchange;
    const bytes = await readBody(request);
    const body = decodeObject(bytes, request.headers["content-type"]);
    if (info.subresource === "token") {
      assertKind(body, "authentication.k8s.io", "v1", "TokenRequest");
      const answered = await answerTokenRequest(tokenRequest, info.namespace, info.name, body, () =>
        admission.validate({
          request: writeRequestOf(exchange),
          operation: "CREATE",
          kind: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
          object: {
            ...body,
            metadata: {
              ...(body.metadata as object | undefined),
              name: info.name,
              namespace: info.namespace,
            },
          } as ApiObject,
          options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
        }),
      );
      return exchange.answer.send(201, answered);
    }
    if (info.name !== "") throw methodNotAllowed();
    const object = asObject(body, exchange.type, exchange.info);
    const write = writeRequestOf(exchange);
    refuseDuplicates(bytes, request.headers["content-type"], write);
    sendObject(exchange, 201, await writer.create(object, write), now);
  }

  async function update(exchange: ResourceExchange): Promise<void> {
    const { info, type, request, answer } = exchange;
    const bytes = await readBody(request);
    const body = decodeObject(bytes, request.headers["content-type"]);
    const write = writeRequestOf(exchange);
    refuseDuplicates(bytes, request.headers["content-type"], write);
    if (info.subresource === "scale") {
      assertKind(body, "autoscaling", "v1", "Scale");
      const updated = await writer.update(write, (object) => withScale(type, object, body));
      return answer.send(200, scaleOf(type, updated));
    }
    const object = sameObject(body, exchange);
    const updated = await writer.update(write, () => copyJson(object));
    sendObject(exchange, 200, updated, now);
  }

  async function patch(exchange: ResourceExchange): Promise<void> {
    const { info, type, request, answer } = exchange;
    const isScale = info.subresource === "scale";
    const patched = parsePatchRequest(
      await readBody(request),
      request.headers["content-type"],
      patchSchema(type, isScale),
    );
    const write = writeRequestOf(exchange, patched.kind === "apply");
    if (patched.kind === "apply") return apply(exchange, patched.config, write);
    const updated = await writer.update(write, (object) =>
      isScale
        ? withScale(type, object, patched.change(scaleOf(type, object)))
        : sameObject(patched.change(object), exchange),
    );
    if (isScale) answer.send(200, scaleOf(type, updated));
    else sendObject(exchange, 200, updated, now);
  }

  async function apply(
    exchange: ResourceExchange,
    body: JsonObject,
    write: ReturnType<typeof writeRequestOf>,
  ): Promise<void> {
    const { info, type } = exchange;
    if (info.subresource === "scale")
      throw badRequest("server-side apply of a Scale is not served here: patch it another way");
    const config = asObject(body, type, info);
    if (config.metadata.name && config.metadata.name !== info.name) throw nameMismatch(config, info);
    config.metadata.name = info.name;
    const { object, created } = await writer.apply(config, write, write.force);
    sendObject(exchange, created ? 201 : 200, object, now);
  }

  return { create, update, patch };
}

/** The merge keys of a strategic merge patch; undefined for a custom resource, which has none. */
function patchSchema(type: ResourceType, isScale: boolean) {
  if (isScale) return { schema: builtinSchema("autoscaling", "Scale") };
  return type.custom === undefined ? { schema: type.schema } : undefined;
}

/** The body of an update, or the result of a patch, as the object that the path names. Refuses any other object. */
function sameObject(body: JsonObject, { type, info }: ResourceExchange): ApiObject {
  const object = asObject(body, type, info);
  if (object.metadata.name !== info.name) throw nameMismatch(object, info);
  return object;
}

function nameMismatch({ metadata }: ApiObject, { name }: ResourceRequest) {
  return badRequest(
    `the name of the object (${metadata.name ?? ""}) does not match the name on the URL (${name})`,
  );
}
