import { type StatusCause, StatusError } from "../status.ts";

export type FieldErrorType =
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueTypeInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "InternalError";

/** One error of an object, like Kubernetes' `field.Error`. `message` is the text without the path. */
export interface FieldError {
  type: FieldErrorType;
  /** `spec.tiers[0].id`; `<nil>` for the object itself. */
  field: string;
  message: string;
}

/** A path of an error. The empty one is the object itself. */
export const childPath = (path: string, name: string) => (path === "" ? name : `${path}.${name}`);
export const indexPath = (path: string, index: number) => `${path}[${index}]`;
export const keyPath = (path: string, key: string) => `${path}[${key}]`;

function fieldError(type: FieldErrorType, path: string, text: string, detail: string): FieldError {
  return { type, field: path === "" ? "<nil>" : path, message: detail === "" ? text : `${text}: ${detail}` };
}

/** Stands for a value that is too large to show. */
export const OMITTED = Symbol("omitted value");

export function valueInvalid(path: string, value: unknown, detail: string): FieldError {
  return fieldError("FieldValueInvalid", path, withValue("Invalid value", value), detail);
}

export function typeInvalid(path: string, value: unknown, detail: string): FieldError {
  return fieldError("FieldValueTypeInvalid", path, withValue("Invalid value", value), detail);
}

export function valueRequired(path: string, detail = ""): FieldError {
  return fieldError("FieldValueRequired", path, "Required value", detail);
}

export function valueForbidden(path: string, detail: string): FieldError {
  return fieldError("FieldValueForbidden", path, "Forbidden", detail);
}

export function valueDuplicate(path: string, value: unknown): FieldError {
  return fieldError("FieldValueDuplicate", path, withValue("Duplicate value", value), "");
}

export function valueNotSupported(path: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map((item) => JSON.stringify(item)).join(", ");
  const detail = supported.length === 0 ? "" : `supported values: ${list}`;
  return fieldError("FieldValueNotSupported", path, withValue("Unsupported value", value), detail);
}

export function valueTooLong(path: string, max: number): FieldError {
  const unit = max === 1 ? "byte" : "bytes";
  return fieldError("FieldValueTooLong", path, "Too long", `may not be more than ${max} ${unit}`);
}

export function valueTooMany(path: string, actual: number, max: number): FieldError {
  const unit = max === 1 ? "item" : "items";
  return fieldError("FieldValueTooMany", path, `Too many: ${actual}`, `must have at most ${max} ${unit}`);
}

function withValue(text: string, value: unknown): string {
  return value === OMITTED ? text : `${text}: ${shown(value)}`;
}

/** Go's JSON escapes HTML in lists and objects. A string by itself is only quoted. */
function shown(value: unknown): string {
  const json = JSON.stringify(value);
  if (value === null || typeof value !== "object") return json;
  return json.replaceAll("&", "\\u0026").replaceAll("<", "\\u003c").replaceAll(">", "\\u003e");
}

/** The 422 for an object that breaks its schema. Each error is one cause, without repetition. */
export function invalidObject(
  group: string,
  kind: string,
  name: string,
  errors: readonly FieldError[],
): StatusError {
  const qualified = group === "" ? kind : `${kind}.${group}`;
  const causes: StatusCause[] = errors.map(({ type, message, field }) => ({ reason: type, message, field }));
  return new StatusError(
    422,
    "Invalid",
    `${qualified} ${JSON.stringify(name)} is invalid: ${aggregateMessage(errors)}`,
    {
      ...(name === "" ? {} : { name }),
      ...(group === "" ? {} : { group }),
      kind,
      causes,
    },
  );
}

/** `path: text`, several in brackets; equal ones once. */
function aggregateMessage(errors: readonly FieldError[]): string {
  const lines = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  return lines.length === 1 ? (lines[0] ?? "") : `[${lines.join(", ")}]`;
}
