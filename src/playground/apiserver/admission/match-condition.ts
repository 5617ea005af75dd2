import {
  CelCompileError,
  CelEvaluationError,
  type CelExpression,
  compileExpression,
} from "../schema/cel/expression.ts";
import { matchConditionScope } from "./cel-scope.ts";

export interface MatchCondition {
  name: string;
  expression: string;
}

export interface CompiledCondition {
  name: string;
  expression: CelExpression;
}

/** Throws `CelCompileError`. Validation refuses a configuration with such a condition when it is written. */
export function compileConditions(conditions: readonly MatchCondition[] | undefined): CompiledCondition[] {
  return (conditions ?? []).map(({ name, expression }) => {
    const compiled = compileExpression(matchConditionScope(), expression);
    if (compiled.type !== "bool") {
      throw new CelCompileError(`must evaluate to bool but got ${compiled.type}`);
    }
    return { name, expression: compiled };
  });
}

/**
 * One false condition decides, even if others fail. Otherwise an error leaves the decision to the failure policy.
 */
export function evaluateConditions(
  conditions: readonly CompiledCondition[],
  variables: object,
): { kind: "matched" } | { kind: "unmatched" } | { kind: "failed"; errors: string[] } {
  const errors: string[] = [];
  for (const { expression } of conditions) {
    try {
      if (expression.evaluate(variables) === false) return { kind: "unmatched" };
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) throw error;
      errors.push(`expression '${expression.source}' resulted in error: ${error.message}`);
    }
  }
  return errors.length === 0 ? { kind: "matched" } : { kind: "failed", errors };
}

/** Several errors in brackets, as Go's aggregates print. */
export function aggregated(errors: readonly string[]): string {
  return errors.length === 1 ? (errors[0] ?? "") : `[${errors.join(", ")}]`;
}

/** The result of `compile`, or its error. */
export function attempt<Compiled>(compile: () => Compiled): Compiled | CelCompileError {
  try {
    return compile();
  } catch (error) {
    if (error instanceof CelCompileError) return error;
    throw error;
  }
}
