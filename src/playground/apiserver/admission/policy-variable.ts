import type { Environment } from "@marcbachmann/cel-js";
import { CelEvaluationError, type CelExpression, compileExpression } from "../schema/cel/expression.ts";

export interface PolicyVariable {
  name: string;
  expression: string;
}

const TYPE = "kubernetes.variables";

/**
 * The `variables` of a policy: each may use those before it, and is computed when first read, once per request.
 * Throws `CelCompileError`.
 */
export function createVariableScope(environment: Environment, variables: readonly PolicyVariable[]) {
  const compiled = new Map<string, CelExpression>();

  class Variables extends Map<string, unknown> {
    readonly #scope: object;

    constructor(scope: object) {
      super();
      this.#scope = scope;
    }

    override get(name: string): unknown {
      if (this.has(name)) return super.get(name);
      const expression = compiled.get(name);
      if (expression === undefined) return undefined;
      let value: unknown;
      try {
        value = expression.evaluate(this.#scope);
      } catch (error) {
        if (!(error instanceof CelEvaluationError)) throw error;
        throw new CelEvaluationError(
          `composited variable ${JSON.stringify(name)} fails to evaluate: ${error.message}`,
        );
      }
      this.set(name, value);
      return value;
    }
  }

  const fields: Record<string, string> = {};
  const scopeWith = () =>
    environment
      .clone()
      .registerType(TYPE, { ctor: Variables, fields: { ...fields } })
      .registerVariable("variables", TYPE);
  for (const { name, expression } of variables) {
    const value = compileExpression(scopeWith(), expression);
    compiled.set(name, value);
    // An empty literal's type still has a placeholder in it, which a field cannot have.
    fields[name] = /\b[A-Z]\b/.test(value.type) ? "dyn" : value.type;
  }
  return {
    environment: scopeWith(),
    /** `scope` must have the result as its member `variables`. */
    valuesFor: (scope: object): unknown => new Variables(scope),
  };
}
