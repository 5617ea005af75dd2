import { isRecord, type JsonObject, ownMember } from "../object.ts";
import {
  childPath,
  type FieldError,
  indexPath,
  keyPath,
  valueInvalid,
  valueRequired,
} from "./field-error.ts";
import type { JsonSchema } from "./json-schema.ts";
import { dns1035LabelProblems } from "./name.ts";

/** The errors in the type and metadata of resources that are embedded in another one. */
export function embeddedResourceErrors(
  value: unknown,
  schema: JsonSchema | undefined,
  path: string,
): FieldError[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => embeddedResourceErrors(item, schema.items, indexPath(path, index)));
  }
  if (!isRecord(value)) return [];
  const errors = schema["x-kubernetes-embedded-resource"] ? typeErrors(value, path) : [];
  for (const name of Object.keys(value)) {
    const property = ownMember(schema.properties, name);
    if (property !== undefined) {
      errors.push(...embeddedResourceErrors(value[name], property, childPath(path, name)));
    } else if (typeof schema.additionalProperties === "object") {
      errors.push(...embeddedResourceErrors(value[name], schema.additionalProperties, keyPath(path, name)));
    }
  }
  return errors;
}

function typeErrors(value: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const member of ["apiVersion", "kind"]) {
    const at = childPath(path, member);
    const stated = ownMember(value, member);
    if (!Object.hasOwn(value, member)) errors.push(valueRequired(at));
    else if (typeof stated !== "string") errors.push(valueInvalid(at, stated, "must be a string"));
    else if (stated === "") errors.push(valueInvalid(at, stated, "must not be empty"));
    else if (member === "apiVersion" && stated.split("/").length > 2) {
      errors.push(valueInvalid(at, stated, `unexpected GroupVersion string: ${stated}`));
    } else if (member === "kind") {
      const problems = dns1035LabelProblems(stated.toLowerCase());
      if (problems.length > 0) {
        const detail = `may have mixed case, but should otherwise match: ${problems.join(",")}`;
        errors.push(valueInvalid(at, stated, detail));
      }
    }
  }
  const metadata = ownMember(value, "metadata");
  if (metadata !== undefined && !isRecord(metadata)) {
    errors.push(valueInvalid(childPath(path, "metadata"), metadata, "must be an object"));
  }
  return errors;
}
