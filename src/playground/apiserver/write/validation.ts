import { objectMetaSchema } from "../builtin/schema.ts";
import { builtinErrors } from "../builtin/validation.ts";
import { configurationProblems } from "../managed-field/configuration-check.ts";
import { StructureError } from "../managed-field/structure.ts";
import type { ApiObject } from "../object.ts";
import type { ResourceType } from "../resource-type.ts";
import { type FieldError, invalidObject } from "../schema/field-error.ts";
import { StatusError } from "../status.ts";
import { metadataErrors } from "./metadata.ts";

/** Throws 422 for an object that breaks the rules of its kind. */
export function refuseInvalid(type: ResourceType, object: ApiObject, live?: ApiObject): void {
  const errors = metadataErrors(object, type, live);
  const own =
    type.custom === undefined
      ? builtinErrors(object, type, live)
      : (type.custom.structure.validate(object, live) as FieldError[]);
  if (errors.length + own.length > 0) {
    throw invalidObject(type.group, type.kind, object.metadata.name, [...errors, ...own]);
  }
}

/** Turns a `StructureError` into the refusal of a list that is declared as a map or a set but is not one. */
export function structural<T>(type: ResourceType, object: ApiObject, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof StructureError)) throw error;
    throw untypable(type, object, error.message);
  }
}

/** Throws when a configuration does not match the schema of its kind. Field validation does not relax this for apply. */
export function validateConfiguration(type: ResourceType, config: ApiObject): void {
  const { metadata, apiVersion, kind, ...rest } = config;
  const problems = [
    ...configurationProblems(metadata, objectMetaSchema).map((problem) => `.metadata${problem}`),
    ...configurationProblems(rest, type.schema),
  ];
  const [only] = problems;
  if (only !== undefined) {
    throw untypable(type, config, problems.length === 1 ? only : `errors:\n  ${problems.join("\n  ")}`);
  }
}

function untypable(type: ResourceType, { metadata }: ApiObject, why: string): StatusError {
  const gvk = `${type.group}/${type.version}, Kind=${type.kind}`;
  return new StatusError(
    500,
    "",
    `failed to create typed patch object (${metadata.namespace ?? ""}/${metadata.name}; ${gvk}): ${why}`,
  );
}
