import { parseJson, parseYaml } from "../body.ts";
import { mediaTypeOf } from "../media-type.ts";
import { type ApiObject, isRecord, type JsonObject } from "../object.ts";
import { jsonPatch } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge-patch.ts";
import { strategicMergePatch } from "../patch/strategic-merge-patch.ts";
import { badRequest, unsupportedMediaType } from "../refusal.ts";
import type { JsonSchema } from "../schema/json-schema.ts";

export type PatchRequest =
  | { kind: "apply"; config: JsonObject }
  | { kind: "change"; change(object: ApiObject): ApiObject };

const APPLY = "application/apply-patch+yaml";
const JSON_PATCH = "application/json-patch+json";
const MERGE = "application/merge-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";

/**
 * The patch in a PATCH request. A strategic merge patch needs the merge keys of a built-in kind: custom resources refuse it
 * with 415, as Kubernetes does.
 */
export function parsePatchRequest(
  body: Buffer,
  contentType: string | undefined,
  builtin: { schema: JsonSchema | undefined } | undefined,
): PatchRequest {
  const type = mediaTypeOf(contentType);
  switch (type) {
    case APPLY:
      return { kind: "apply", config: record(parseYaml(body), "an apply patch") };
    case JSON_PATCH: {
      const patch = parseJson(body);
      return { kind: "change", change: (object) => asObject(jsonPatch(object, patch)) };
    }
    case MERGE: {
      const patch = record(parseJson(body), "a merge patch");
      return { kind: "change", change: (object) => asObject(mergePatch(object, patch)) };
    }
    case STRATEGIC:
      if (builtin !== undefined) {
        const patch = record(parseJson(body), "a strategic merge patch");
        return {
          kind: "change",
          change: (object) => asObject(strategicMergePatch(object, patch, builtin.schema)),
        };
      }
      break;
    default:
  }
  throw unsupportedMediaType([JSON_PATCH, MERGE, ...(builtin === undefined ? [] : [STRATEGIC]), APPLY]);
}

function record(value: unknown, what: string): JsonObject {
  if (!isRecord(value)) throw badRequest(`${what} is an object`);
  return value;
}

function asObject(value: unknown): ApiObject {
  if (!isRecord(value) || !isRecord(value.metadata)) throw badRequest("the patched object has no metadata");
  return value as ApiObject;
}
