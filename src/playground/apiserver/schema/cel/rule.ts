import { Optional } from "@marcbachmann/cel-js";
import { isUnchanged, oldItemOf, oldMemberOf } from "../correlation.ts";
import { childPath, type FieldError, indexPath, keyPath, valueInvalid } from "../field-error.ts";
import { isJsonObject, type JsonSchema, memberSchema, type ValidationRule } from "../json-schema.ts";
import { type Declaration, declareSchema } from "./declaration.ts";
import { CelCompileError, CelEvaluationError, type CelExpression, compileExpression } from "./expression.ts";
import { createCelEnvironment } from "./library.ts";
import { type CompiledRule, evaluationDetail, ruleError } from "./rule-error.ts";

/** A rule that does not compile, and where it stands in the schema. */
export interface RuleProblem {
  /** `.properties[spec].x-kubernetes-validations[0].rule` */
  schemaPath: string;
  value: unknown;
  detail: string;
}

/** Errors of the CEL rules of an object; `old` is undefined on creation. */
export type RuleCheck = (value: unknown, old: unknown) => FieldError[];

interface RuleNode {
  schema: JsonSchema;
  rules: readonly CompiledRule[];
  convert: Declaration["convert"];
  members: ReadonlyMap<string, RuleNode>;
  /** Of a list's items or a map's values. */
  element: RuleNode | undefined;
}

/** Compiles every rule of a resource's schema once; all that does not compile is answered, nothing is skipped. */
export function compileRules(
  schema: JsonSchema,
  rootPath = "",
): { check: RuleCheck; problems: RuleProblem[] } {
  if (!hasRules(schema)) return { check: () => [], problems: [] };
  const environment = createCelEnvironment();
  const declaration = declareSchema(environment, schema, "Object", true);
  const problems: RuleProblem[] = [];

  function compileNode(
    node: JsonSchema,
    declared: Declaration | undefined,
    path: string,
    uncorrelatable: string | undefined,
  ): RuleNode | undefined {
    if (!hasRules(node)) return undefined;
    const rules = compileNodeRules(node, declared, path, uncorrelatable);
    const members = new Map<string, RuleNode>();
    const atomicMap = node["x-kubernetes-map-type"] === "atomic" ? path : undefined;
    for (const [name, property] of Object.entries(node.properties ?? {})) {
      const memberPath = `${path}.properties[${name}]`;
      const member = compileNode(
        property,
        declared?.members.get(name),
        memberPath,
        uncorrelatable ?? atomicMap,
      );
      if (member !== undefined) members.set(name, member);
    }
    const { additionalProperties, items } = node;
    const listIsMap = node["x-kubernetes-list-type"] === "map";
    const element = items
      ? compileNode(
          items,
          declared?.element,
          `${path}.items`,
          uncorrelatable ?? (listIsMap ? undefined : path),
        )
      : typeof additionalProperties === "object"
        ? compileNode(additionalProperties, declared?.element, `${path}.additionalProperties`, uncorrelatable)
        : undefined;
    return { schema: node, rules, members, element, convert: declared?.convert ?? ((json) => json) };
  }

  function compileNodeRules(
    node: JsonSchema,
    declared: Declaration | undefined,
    path: string,
    uncorrelatable: string | undefined,
  ): CompiledRule[] {
    const rules = node["x-kubernetes-validations"] ?? [];
    if (rules.length === 0) return [];
    const type = declared?.type;
    if (type === undefined) {
      const detail =
        "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
      problems.push({ schemaPath: `${path}.x-kubernetes-validations`, value: undefined, detail });
      return [];
    }
    const scope = environment.clone().registerVariable("self", type).registerVariable("oldSelf", type);
    const optionalScope = environment
      .clone()
      .registerVariable("self", type)
      .registerVariable("oldSelf", `optional<${type}>`);
    return rules.flatMap((rule, index) => {
      const rulePath = `${path}.x-kubernetes-validations[${index}]`;
      const report = (member: string, value: unknown, detail: string) =>
        problems.push({ schemaPath: `${rulePath}.${member}`, value, detail });
      const shown = internalForm(rule);
      try {
        const expression = compileExpression(rule.optionalOldSelf ? optionalScope : scope, rule.rule);
        if (expression.type !== "bool") {
          report("rule", shown, "cel expression must evaluate to a bool");
          return [];
        }
        const usesOldSelf = expression.uses("oldSelf");
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
        const messageExpression = compileMessage(rule, shown, scope, report);
        return [{ rule, expression, messageExpression, usesOldSelf, fieldPath: normalPath(rule.fieldPath) }];
      } catch (error) {
        if (!(error instanceof CelCompileError)) throw error;
        report("rule", shown, `compilation failed: ${error.message}`);
        return [];
      }
    });
  }

  const root = compileNode(schema, declaration, rootPath, undefined);
  return {
    problems,
    check: (value, old) => (root === undefined ? [] : checkNode(root, value, old, "", false)),
  };
}

/** A rule as refusals show it: Kubernetes prints its internal type. */
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
  scope: ReturnType<typeof createCelEnvironment>,
  report: (member: string, value: unknown, detail: string) => void,
): CelExpression | undefined {
  if (!rule.messageExpression) return undefined;
  try {
    const expression = compileExpression(scope, rule.messageExpression);
    if (expression.type === "string") return expression;
    report("messageExpression", shown, "messageExpression must evaluate to a string");
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    report("messageExpression", shown, `messageExpression compilation failed: ${error.message}`);
  }
  return undefined;
}

function hasRules(schema: JsonSchema): boolean {
  const { additionalProperties, items, properties = {} } = schema;
  return (
    (schema["x-kubernetes-validations"]?.length ?? 0) > 0 ||
    (items !== undefined && hasRules(items)) ||
    (typeof additionalProperties === "object" && hasRules(additionalProperties)) ||
    Object.values(properties).some(hasRules)
  );
}

/** `.spec['a']` → `spec.a`; brackets stay where the key is one of a map. */
function normalPath(fieldPath = ""): string {
  return fieldPath.replaceAll(/\['((?:[^'\\]|\\.)*)'\]/g, ".$1").replace(/^\./, "");
}

/**
 * `forgiven`: the update left an enclosing value as it was, so that only transition rules can still speak of it.
 */
function checkNode(
  node: RuleNode,
  value: unknown,
  old: unknown,
  path: string,
  forgiven: boolean,
): FieldError[] {
  if (value === null || value === undefined) return [];
  const unchanged = forgiven || isUnchanged(value, old);
  const errors = checkRules(node, value, old, path, unchanged);
  if (Array.isArray(value)) {
    const { element } = node;
    if (element === undefined) return errors;
    for (const [index, item] of value.entries()) {
      const before = oldItemOf(old, node.schema, item);
      errors.push(...checkNode(element, item, before, indexPath(path, index), unchanged));
    }
  } else if (isJsonObject(value)) {
    for (const name of Object.keys(value)) {
      const member = node.members.get(name);
      const before = oldMemberOf(old, name);
      if (member !== undefined) {
        errors.push(...checkNode(member, value[name], before, childPath(path, name), unchanged));
      } else if (node.element !== undefined && memberSchema(node.schema, name) === node.element.schema) {
        errors.push(...checkNode(node.element, value[name], before, keyPath(path, name), unchanged));
      }
    }
  }
  return errors;
}

function checkRules(
  node: RuleNode,
  value: unknown,
  old: unknown,
  path: string,
  unchanged: boolean,
): FieldError[] {
  if (node.rules.length === 0) return [];
  const hasOld = old !== undefined && old !== null;
  const self = node.convert(value);
  const oldSelf = hasOld ? node.convert(old) : undefined;
  return node.rules.flatMap((compiled) => {
    const { rule, expression, usesOldSelf } = compiled;
    if (usesOldSelf && !hasOld && !rule.optionalOldSelf) return [];
    const variables = {
      self,
      ...(rule.optionalOldSelf
        ? { oldSelf: hasOld ? Optional.of(oldSelf) : Optional.none() }
        : hasOld
          ? { oldSelf }
          : {}),
    };
    try {
      if (expression.evaluate(variables) === true) return [];
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) throw error;
      return [valueInvalid(path, node.schema.type ?? "", evaluationDetail(error, rule))];
    }
    if (!usesOldSelf && unchanged) return [];
    return [ruleError(compiled, node.schema.type, value, variables, path)];
  });
}
