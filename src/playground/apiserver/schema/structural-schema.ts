import type { JsonObject } from "../object.ts";
import { compileRules, type RuleProblem } from "./cel/rule.ts";
import { applyDefaults } from "./default.ts";
import { embeddedResourceErrors } from "./embedded-resource.ts";
import { type FieldError, type FieldErrorType, valueInvalid } from "./field-error.ts";
import { type JsonSchema, memberSchema } from "./json-schema.ts";
import { listTypeErrors } from "./list-type.ts";
import { pruneUnknown } from "./prune.ts";
import { compileValueCheck } from "./value-validation.ts";

export interface StructuralSchema {
  schema: JsonSchema;
  /** Fills in defaults, in place. */
  default(object: JsonObject): void;
  /** Removes unknown fields in place, and returns their sorted paths. Run it after `default`. */
  prune(object: JsonObject): string[];
  /** With `oldObject`, it is an update: errors in unchanged values do not count. */
  validate(object: JsonObject, oldObject?: JsonObject): FieldError[];
  /** The schema at a field path. It says how lists and maps merge in server-side apply. */
  schemaAt(path: readonly (string | typeof ITEM)[]): JsonSchema | undefined;
}

/** Stands for any item of a list in a path. */
const ITEM = Symbol("item");

/** A rule of the schema does not compile. `validateCustomResourceDefinition` reports this first. */
export class SchemaCompileError extends Error {
  override readonly name = "SchemaCompileError";
  readonly problems: readonly RuleProblem[];

  constructor(problems: readonly RuleProblem[], kind = "schema") {
    super(`${kind}: ${problems.map(({ schemaPath, detail }) => `${schemaPath}: ${detail}`).join("; ")}`);
    this.problems = problems;
  }
}

// Rules are not evaluated on an object with one of these errors.
const BLOCKING: ReadonlySet<FieldErrorType> = new Set([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);
const RULES_NOT_CHECKED =
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

/**
 * Compiles a version's `openAPIV3Schema` once: patterns, rules and the walk over values. Throws `SchemaCompileError`.
 * Only this error uses `resource`.
 */
export function compileStructuralSchema(
  schema: JsonSchema,
  resource?: { group: string; kind: string; scope?: string },
): StructuralSchema {
  const checkValue = compileValueCheck(schema);
  const { check: checkRules, problems } = compileRules(schema);
  if (problems.length > 0)
    throw new SchemaCompileError(problems, resource && `${resource.kind}.${resource.group}`);

  return {
    schema,
    default: (object) => applyDefaults(object, schema),
    prune: (object) => pruneUnknown(object, schema),
    validate(object, oldObject) {
      const errors = [...checkValue(object, "", oldObject), ...embeddedResourceErrors(object, schema, "")];
      if (oldObject === undefined || listTypeErrors(oldObject, schema).length === 0) {
        errors.push(...listTypeErrors(object, schema));
      }
      if (errors.some(({ type }) => BLOCKING.has(type))) {
        return hasAnyRule(schema) ? [...errors, valueInvalid("", null, RULES_NOT_CHECKED)] : errors;
      }
      return [...errors, ...checkRules(object, oldObject)];
    },
    schemaAt(path) {
      return path.reduce<JsonSchema | undefined>(
        (at, step) => (step === ITEM ? at?.items : at && memberSchema(at, step)),
        schema,
      );
    },
  };
}

function hasAnyRule(schema: JsonSchema): boolean {
  return JSON.stringify(schema).includes('"x-kubernetes-validations"');
}
