import { decodingProblem } from "../builtin/decoding.ts";
import { applyBuiltinDefaults } from "../builtin/default.ts";
import { toNormalForm } from "../builtin/normal-form.ts";
import { objectMetaSchema } from "../builtin/schema.ts";
import { type ApiObject, type JsonObject, recordOf } from "../object.ts";
import { cannotBeHandled } from "../refusal.ts";
import type { ResourceType } from "../resource-type.ts";
import { invalidObject, valueInvalid } from "../schema/field-error.ts";
import { pruneUnknown } from "../schema/prune.ts";
import type { WriteRequest } from "./request.ts";

type Shaping = Pick<WriteRequest, "type" | "fieldValidation" | "isPatch" | "warn">;

/**
 * Brings a written object into the shape of its kind, in place. It checks that values decode, removes unknown fields (and
 * refuses them or warns, as field validation says), and adds defaults.
 */
export function shapeObject(object: ApiObject, { type, fieldValidation, isPatch, warn }: Shaping): void {
  const metadata = recordOf(object.metadata);
  const refuseUndecodable = (problem: string | undefined) => {
    if (problem !== undefined) throw cannotBeHandled(type, problem);
  };
  refuseUndecodable(decodingProblem(metadata, objectMetaSchema, "metadata"));
  const unknown = pruneUnknown(metadata, objectMetaSchema).map((path) => `metadata.${path}`);
  toNormalForm(metadata, objectMetaSchema);
  if (type.custom === undefined) {
    if (type.schema !== undefined) {
      refuseUndecodable(decodingProblem(object, type.schema));
      unknown.push(...pruneUnknown(object, type.schema));
    }
    applyBuiltinDefaults(type.storage, object);
    toNormalForm(object as JsonObject, type.schema);
  } else {
    type.custom.structure.default(object);
    unknown.push(...type.custom.structure.prune(object));
  }
  if (unknown.length === 0 || fieldValidation === "Ignore") return;
  const problems = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (fieldValidation === "Strict") {
    const problem = `strict decoding error: ${problems.join(", ")}`;
    throw isPatch
      ? invalidObject("", "", "", [valueInvalid("patch", JSON.stringify(object), problem)])
      : cannotBeHandled(type, problem);
  }
  for (const problem of problems) warn(problem);
}

/** An empty object of a type, with the structures that are never absent. */
export function emptyObject(type: ResourceType): ApiObject {
  const object = { metadata: {} } as unknown as ApiObject;
  if (type.custom === undefined) toNormalForm(object as JsonObject, type.schema, { nullLists: true });
  return object;
}
