import {
  childPath,
  type FieldError,
  OMITTED,
  valueDuplicate,
  valueForbidden,
  valueInvalid,
  valueRequired,
} from "../field-error.ts";
import type { ValidationRule } from "../json-schema.ts";
import { CelEvaluationError, type CelExpression } from "./expression.ts";

export interface CompiledRule {
  rule: ValidationRule;
  expression: CelExpression;
  messageExpression: CelExpression | undefined;
  usesOldSelf: boolean;
  fieldPath: string;
}

/** The error of a rule whose evaluation failed. */
export function evaluationDetail({ message }: CelEvaluationError, rule: ValidationRule): string {
  const named = rule.message ? rule.message.trim() : rule.rule.trim();
  return message.startsWith("no such overload")
    ? `'${message}': call arguments did not match a supported operator, function or macro signature for rule: ${named}`
    : `${message} evaluating rule: ${named}`;
}

/** The error of a rule that evaluates to false, with the rule's reason and at its `fieldPath`. */
export function ruleError(
  compiled: CompiledRule,
  type: string | undefined,
  value: unknown,
  variables: Record<string, unknown>,
  path: string,
): FieldError {
  const { rule, fieldPath } = compiled;
  const at = fieldPath === "" ? path : childPath(path, fieldPath);
  const detail = messageOf(compiled, variables);
  const shown = type === "object" || type === "array" ? OMITTED : value;
  switch (rule.reason) {
    case "FieldValueForbidden":
      return valueForbidden(at, detail);
    case "FieldValueRequired":
      return valueRequired(at, detail);
    case "FieldValueDuplicate":
      return valueDuplicate(at, shown);
    default:
      return valueInvalid(at, shown, detail);
  }
}

function messageOf({ rule, messageExpression }: CompiledRule, variables: Record<string, unknown>): string {
  if (messageExpression !== undefined) {
    try {
      const text = messageExpression.evaluate(variables);
      // A message that is blank or has line breaks is replaced by the fixed message.
      if (typeof text === "string" && text.trim() !== "" && !/[\n\r]/.test(text)) return text.trim();
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) throw error;
    }
  }
  return rule.message?.trim() || `failed rule: ${rule.rule.trim()}`;
}
