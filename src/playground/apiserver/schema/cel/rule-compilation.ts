import type { Environment } from "@marcbachmann/cel-js";
import type { ValidationRule } from "../json-schema.ts";
import { CelCompileError, type CelExpression, compileExpression } from "./expression.ts";
import type { CompiledRule } from "./rule-error.ts";

/** Reports a problem with one member of a rule: the value shown to the user, and the error. */
export type ReportProblem = (member: string, value: unknown, detail: string) => void;

/** The environments of the rules of one schema node. */
export interface RuleScope {
  plain: Environment;
  /** `oldSelf` is optional here: for rules with `optionalOldSelf`, which run on creation too. */
  optional: Environment;
  /** The path of the enclosing list or map whose items have no old value to compare with. */
  uncorrelatable: string | undefined;
}

export function createRuleScope(
  environment: Environment,
  type: string,
  uncorrelatable: string | undefined,
): RuleScope {
  const withSelf = () => environment.clone().registerVariable("self", type);
  return {
    plain: withSelf().registerVariable("oldSelf", type),
    optional: withSelf().registerVariable("oldSelf", `optional<${type}>`),
    uncorrelatable,
  };
}

/** Returns undefined, after a report, for a rule that does not compile to a bool. */
export function compileRule(
  scope: RuleScope,
  rule: ValidationRule,
  report: ReportProblem,
): CompiledRule | undefined {
  const shown = internalForm(rule);
  try {
    const expression = compileExpression(rule.optionalOldSelf ? scope.optional : scope.plain, rule.rule);
    if (expression.type !== "bool") {
      report("rule", shown, "cel expression must evaluate to a bool");
      return undefined;
    }
    const usesOldSelf = expression.uses("oldSelf");
    reportOldSelfMisuse(scope, rule, usesOldSelf, report);
    const messageExpression = compileMessage(rule, shown, scope.plain, report);
    return { rule, expression, messageExpression, usesOldSelf, fieldPath: normalPath(rule.fieldPath) };
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    report("rule", shown, `compilation failed: ${error.message}`);
    return undefined;
  }
}

function reportOldSelfMisuse(
  { uncorrelatable }: RuleScope,
  rule: ValidationRule,
  usesOldSelf: boolean,
  report: ReportProblem,
): void {
  if (usesOldSelf && uncorrelatable !== undefined) {
    report(
      "rule",
      rule.rule,
      `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`,
    );
  }
  if (!usesOldSelf && rule.optionalOldSelf !== undefined) {
    report("optionalOldSelf", rule.optionalOldSelf, "may not be set if oldSelf is not used in rule");
  }
}

/** The rule in a refusal, in the form of Kubernetes' internal type. */
function internalForm(rule: ValidationRule): Record<string, unknown> {
  return {
    Rule: rule.rule,
    Message: rule.message ?? "",
    MessageExpression: rule.messageExpression ?? "",
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? "",
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  };
}

function compileMessage(
  rule: ValidationRule,
  shown: Record<string, unknown>,
  environment: Environment,
  report: ReportProblem,
): CelExpression | undefined {
  if (!rule.messageExpression) return undefined;
  try {
    const expression = compileExpression(environment, rule.messageExpression);
    if (expression.type === "string") return expression;
    report("messageExpression", shown, "messageExpression must evaluate to a string");
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    report("messageExpression", shown, `messageExpression compilation failed: ${error.message}`);
  }
  return undefined;
}

/** `.spec['a']` → `spec.a` */
function normalPath(fieldPath = ""): string {
  return fieldPath.replaceAll(/\['((?:[^'\\]|\\.)*)'\]/g, ".$1").replace(/^\./, "");
}
