import { Optional } from "@marcbachmann/cel-js";
import { isRecord, type JsonObject } from "../../object.ts";
import { isUnchanged, oldItemOf, oldMemberOf } from "../correlation.ts";
import { childPath, type FieldError, indexPath, keyPath, valueInvalid } from "../field-error.ts";
import { type JsonSchema, memberSchema } from "../json-schema.ts";
import type { Declaration } from "./declaration.ts";
import { CelEvaluationError } from "./expression.ts";
import { type CompiledRule, evaluationDetail, ruleError } from "./rule-error.ts";

/** The compiled rules of one schema node, and of the nodes below it that have rules. */
export interface RuleNode {
  schema: JsonSchema;
  rules: readonly CompiledRule[];
  convert: Declaration["convert"];
  members: ReadonlyMap<string, RuleNode>;
  /** Of a list's items or a map's values. */
  element: RuleNode | undefined;
}

/** A value, the value before the update (undefined on creation), and the path of both. */
interface Checked {
  value: unknown;
  old: unknown;
  path: string;
}

/**
 * Evaluates the rules of a node and of all nodes below it. `forgiven`: the update left an enclosing value unchanged. Then
 * only rules that compare with the old value can fail, and rules whose evaluation ends with an error.
 */
export function checkNode(node: RuleNode, checked: Checked, forgiven = false): FieldError[] {
  const { value, old } = checked;
  if (value === null || value === undefined) return [];
  const unchanged = forgiven || isUnchanged(value, old);
  const errors = checkRules(node, checked, unchanged);
  if (Array.isArray(value)) errors.push(...checkItems(node, value, checked, unchanged));
  else if (isRecord(value)) errors.push(...checkMembers(node, value, checked, unchanged));
  return errors;
}

function checkItems(
  { element, schema }: RuleNode,
  items: readonly unknown[],
  { old, path }: Checked,
  unchanged: boolean,
): FieldError[] {
  if (element === undefined) return [];
  return items.flatMap((item, index) =>
    checkNode(
      element,
      { value: item, old: oldItemOf(old, schema, item), path: indexPath(path, index) },
      unchanged,
    ),
  );
}

function checkMembers(
  { members, element, schema }: RuleNode,
  value: JsonObject,
  { old, path }: Checked,
  unchanged: boolean,
): FieldError[] {
  return Object.keys(value).flatMap((name) => {
    const member = members.get(name);
    const below = { value: value[name], old: oldMemberOf(old, name) };
    if (member !== undefined) return checkNode(member, { ...below, path: childPath(path, name) }, unchanged);
    if (element === undefined || memberSchema(schema, name) !== element.schema) return [];
    return checkNode(element, { ...below, path: keyPath(path, name) }, unchanged);
  });
}

function checkRules(node: RuleNode, { value, old, path }: Checked, unchanged: boolean): FieldError[] {
  if (node.rules.length === 0) return [];
  const hasOld = old !== undefined && old !== null;
  const self = node.convert(value);
  const oldSelf = hasOld ? node.convert(old) : undefined;
  return node.rules.flatMap((compiled) => {
    const { rule, expression, usesOldSelf } = compiled;
    if (usesOldSelf && !hasOld && !rule.optionalOldSelf) return [];
    const variables = { self, ...oldSelfVariable(compiled, hasOld, oldSelf) };
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

function oldSelfVariable({ rule }: CompiledRule, hasOld: boolean, oldSelf: unknown): { oldSelf?: unknown } {
  if (rule.optionalOldSelf) return { oldSelf: hasOld ? Optional.of(oldSelf) : Optional.none() };
  return hasOld ? { oldSelf } : {};
}
