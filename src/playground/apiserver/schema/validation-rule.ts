import { isRecord } from "../object.ts";
import { type FieldError, valueInvalid, valueNotSupported, valueRequired } from "./field-error.ts";
import type { JsonSchema, ValidationRule } from "./json-schema.ts";

const REASONS = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

const hasLineBreak = (text: string) => /[\n\r]/.test(text);

/** Checks the texts of `x-kubernetes-validations`. Whether the expressions compile is checked elsewhere. */
export function validationRuleErrors(schema: JsonSchema, path: string): FieldError[] {
  return (schema["x-kubernetes-validations"] ?? []).flatMap((entry, index) => {
    const at = `${path}.x-kubernetes-validations[${index}]`;
    const { messageExpression, reason } = entry;
    const errors = textErrors(entry, at);
    if (messageExpression && messageExpression.trim() === "") {
      const detail = "messageExpression must be non-empty if specified";
      errors.push(valueRequired(`${at}.messageExpression`, detail));
    }
    if (reason !== undefined && !REASONS.includes(reason)) {
      errors.push(valueNotSupported(`${at}.reason`, reason, REASONS));
    }
    return [...errors, ...fieldPathErrors(schema, entry, at)];
  });
}

function textErrors({ rule = "", message = "" }: ValidationRule, at: string): FieldError[] {
  if (rule.trim() === "") return [valueRequired(`${at}.rule`, "rule is not specified")];
  if (message !== "" && message.trim() === "") {
    return [valueInvalid(`${at}.message`, message, "must be non-empty if specified")];
  }
  if (hasLineBreak(message.trim())) {
    return [valueInvalid(`${at}.message`, message, "must not contain line breaks")];
  }
  if (hasLineBreak(rule.trim()) && message.trim() === "") {
    const detail = "message must be specified if rule contains line breaks";
    return [valueRequired(`${at}.message`, detail)];
  }
  return [];
}

function fieldPathErrors(schema: JsonSchema, { fieldPath }: ValidationRule, rulePath: string): FieldError[] {
  if (!fieldPath) return [];
  const problems = [
    ...(fieldPath.trim() === "" ? ["must be non-empty if specified"] : []),
    ...(hasLineBreak(fieldPath) ? ["must not contain line breaks"] : []),
    ...(isFieldPath(schema, fieldPath) ? [] : ["must be a valid path"]),
  ];
  return problems.map((detail) => valueInvalid(`${rulePath}.fieldPath`, fieldPath, detail));
}

/** Whether every step of a path such as `.spec.tiers` or `.labels['a.b']` exists in the schema. */
function isFieldPath(schema: JsonSchema, path: string): boolean {
  let at: JsonSchema | undefined = schema;
  let rest = path;
  while (rest !== "") {
    const step = /^(?:\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\])/.exec(rest);
    if (step === null || at === undefined) return false;
    const name: string = step[1] ?? (step[2] ?? "").replaceAll(/\\(.)/g, "$1");
    const { properties, additionalProperties }: JsonSchema = at;
    if (properties !== undefined) at = Object.hasOwn(properties, name) ? properties[name] : undefined;
    else at = isRecord(additionalProperties) ? (additionalProperties as JsonSchema) : undefined;
    if (at === undefined) return false;
    rest = rest.slice(step[0].length);
  }
  return true;
}
