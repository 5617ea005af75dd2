import { duplicateFields } from "../duplicate-field.ts";
import { mediaTypeOf } from "../media-type.ts";
import { type ApiObject, apiVersionOf, isRecord, type JsonObject, recordOf } from "../object.ts";
import { badRequest, cannotBeHandled } from "../refusal.ts";
import type { ResourceRequest } from "../request-info.ts";
import type { ResourceType } from "../resource-type.ts";
import type { WriteRequest } from "../write/request.ts";

/** Refuses a body of another kind or version. A body without kind and version counts as the right one. */
export function assertKind(body: JsonObject, group: string, version: string, kind: string): void {
  const apiVersion = apiVersionOf(group, version);
  if (body.apiVersion !== undefined && body.apiVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${String(body.apiVersion)}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (body.kind !== undefined && body.kind !== kind) {
    throw badRequest(
      `${String(body.kind)} in version "${version}" cannot be handled as a ${kind}: unknown conversion`,
    );
  }
  body.apiVersion = apiVersion;
  body.kind = kind;
}

/** Refuses repeated members of a JSON body, or warns about them, depending on the field validation. */
export function refuseDuplicates(
  body: Buffer,
  contentType: string | undefined,
  { type, fieldValidation, warn }: Pick<WriteRequest, "type" | "fieldValidation" | "warn">,
): void {
  if (fieldValidation === "Ignore" || !["", "application/json"].includes(mediaTypeOf(contentType))) return;
  const problems = duplicateFields(body.toString()).map((path) => `duplicate field ${JSON.stringify(path)}`);
  if (problems.length > 0 && fieldValidation === "Strict")
    throw cannotBeHandled(type, `strict decoding error: ${problems.join(", ")}`);
  for (const problem of problems) warn(problem);
}

/** A body as an object of the type that the path names. */
export function asObject(body: JsonObject, type: ResourceType, info: ResourceRequest): ApiObject {
  assertKind(body, type.group, type.version, type.kind);
  body.metadata ??= {};
  if (!isRecord(body.metadata)) throw badRequest("metadata must be an object");
  const { namespace } = recordOf(body.metadata);
  if (!type.namespaced) {
    if (namespace !== undefined && namespace !== "") {
      throw badRequest("namespace should be empty for a cluster-scoped resource");
    }
  } else if (namespace !== undefined && namespace !== "" && namespace !== info.namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  } else body.metadata.namespace = info.namespace;
  return body as ApiObject;
}
