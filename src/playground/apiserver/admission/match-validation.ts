import {
  type FieldError,
  indexPath,
  valueDuplicate,
  valueForbidden,
  valueInvalid,
  valueNotSupported,
  valueRequired,
} from "../schema/field-error.ts";
import { labelValueProblems, qualifiedNameProblems } from "../schema/name.ts";
import { attempt, compileConditions, type MatchCondition } from "./match-condition.ts";
import type { LabelSelector, RuleWithOperations } from "./matching.ts";

// The members with which webhooks and policies select requests.

export function oneOf(path: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [valueNotSupported(path, value, supported)];
}

export function selectorErrors(selector: LabelSelector | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) {
    const at = `${path}.matchLabels`;
    errors.push(...qualifiedNameProblems(key).map((problem) => valueInvalid(at, key, problem)));
    errors.push(...labelValueProblems(value).map((problem) => valueInvalid(at, value, problem)));
  }
  for (const [index, { key, operator, values = [] }] of (selector?.matchExpressions ?? []).entries()) {
    const at = indexPath(`${path}.matchExpressions`, index);
    const isSet = operator === "In" || operator === "NotIn";
    if (!isSet && operator !== "Exists" && operator !== "DoesNotExist") {
      errors.push(valueInvalid(`${at}.operator`, operator, "not a valid selector operator"));
    } else if (isSet && values.length === 0) {
      errors.push(valueRequired(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (!isSet && values.length > 0) {
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      errors.push(valueForbidden(`${at}.values`, detail));
    }
    errors.push(...qualifiedNameProblems(key).map((problem) => valueInvalid(`${at}.key`, key, problem)));
  }
  return errors;
}

const OPERATIONS = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

export function ruleErrors(rule: RuleWithOperations, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const lists = [
    ["operations", "operations"],
    ["apiGroups", "API groups"],
    ["apiVersions", "API versions"],
  ] as const;
  for (const [member, plural] of lists) {
    const list = rule[member] ?? [];
    const at = `${path}.${member}`;
    if (list.length === 0) errors.push(valueRequired(at));
    else if (list.length > 1 && list.includes("*")) {
      errors.push(valueInvalid(at, list, `if '*' is present, must not specify other ${plural}`));
    }
    if (member !== "operations") continue;
    for (const [index, operation] of list.entries()) {
      errors.push(...oneOf(indexPath(at, index), operation, OPERATIONS));
    }
  }
  const resources = rule.resources ?? [];
  if (resources.length === 0) errors.push(valueRequired(`${path}.resources`));
  if (resources.length > 1 && resources.includes("*/*")) {
    const detail = "if '*/*' is present, must not specify other resources";
    errors.push(valueInvalid(`${path}.resources`, resources, detail));
  }
  if (resources.includes("*") && resources.some((item) => item !== "*" && !item.includes("/"))) {
    const detail = "if '*' is present, must not specify other resources without subresources";
    errors.push(valueInvalid(`${path}.resources`, resources, detail));
  }
  errors.push(...oneOf(`${path}.scope`, rule.scope, ["*", "Cluster", "Namespaced"]));
  return errors;
}

export function conditionErrors(conditions: readonly MatchCondition[], path: string): FieldError[] {
  const names = conditions.map(({ name }) => name);
  return conditions.flatMap((condition, index) => {
    const at = indexPath(path, index);
    const { name = "", expression = "" } = condition;
    const errors: FieldError[] = [];
    if (expression.trim() === "") errors.push(valueRequired(`${at}.expression`));
    else errors.push(...compileErrors(`${at}.expression`, expression, () => compileConditions([condition])));
    if (name === "") errors.push(valueRequired(`${at}.name`));
    else if (qualifiedNameProblems(name).length > 0) {
      errors.push(valueInvalid(`${at}.name`, name, qualifiedNameProblems(name).join("; ")));
    } else if (names.indexOf(name) < index) errors.push(valueDuplicate(`${at}.name`, name));
    return errors;
  });
}

export function compileErrors(path: string, expression: string, compile: () => unknown): FieldError[] {
  const compiled = attempt(compile);
  if (!(compiled instanceof Error)) return [];
  const { message } = compiled;
  const detail = message.startsWith("must evaluate") ? message : `compilation failed: ${message}`;
  return [valueInvalid(path, expression, detail)];
}
