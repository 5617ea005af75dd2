import {
  childPath,
  type FieldError,
  indexPath,
  valueForbidden,
  valueInvalid,
  valueRequired,
} from "../schema/field-error.ts";
import { policyScope } from "./cel-scope.ts";
import { compileErrors, conditionErrors, oneOf, ruleErrors, selectorErrors } from "./match-validation.ts";
import { type BindingSpec, compileTyped, type MatchResources, type PolicySpec } from "./policy.ts";
import { createVariableScope, type PolicyVariable } from "./policy-variable.ts";

const REASONS = ["Forbidden", "Invalid", "RequestEntityTooLarge"];

/** The errors in a ValidatingAdmissionPolicy. */
export function policyErrors(spec: PolicySpec): FieldError[] {
  const errors: FieldError[] = [];
  const { matchConstraints, variables = [], validations = [], auditAnnotations = [] } = spec;
  errors.push(...oneOf("spec.failurePolicy", spec.failurePolicy, ["Fail", "Ignore"]));
  if (spec.paramKind !== undefined) {
    const detail = "this API server evaluates policies without parameters: put them into the expressions";
    errors.push(valueForbidden("spec.paramKind", detail));
  }
  if (matchConstraints === undefined) errors.push(valueRequired("spec.matchConstraints"));
  else errors.push(...matchErrors(matchConstraints, "spec.matchConstraints", true));
  errors.push(...conditionErrors(spec.matchConditions ?? [], "spec.matchConditions"));
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const detail = "validations or auditAnnotations must contain at least one item";
    errors.push(valueRequired("spec.validations", detail), valueRequired("spec.auditAnnotations", detail));
  }
  const variableProblems = variableErrors(variables);
  errors.push(...variableProblems);
  // Expressions refer to the variables, so they cannot be checked when a variable is invalid.
  if (variableProblems.length > 0) return errors;
  const { environment } = createVariableScope(policyScope(), variables);
  for (const [index, validation] of validations.entries()) {
    const path = indexPath("spec.validations", index);
    const { expression = "", message = "", messageExpression = "", reason } = validation;
    if (expression.trim() === "") {
      errors.push(valueRequired(`${path}.expression`, "expression is not specified"));
    } else {
      errors.push(
        ...compileErrors(`${path}.expression`, expression, () =>
          compileTyped(environment, expression, "bool"),
        ),
      );
    }
    if (messageExpression !== "" && messageExpression.trim() === "") {
      const detail = "must be non-empty if specified";
      errors.push(valueInvalid(`${path}.messageExpression`, messageExpression, detail));
    } else if (messageExpression !== "") {
      errors.push(
        ...compileErrors(`${path}.messageExpression`, messageExpression, () =>
          compileTyped(environment, messageExpression, "string"),
        ),
      );
    }
    if (message !== "" && message.trim() === "") {
      errors.push(valueInvalid(`${path}.message`, message, "must be non-empty if specified"));
    } else if (/[\n\r]/.test(message.trim())) {
      errors.push(valueInvalid(`${path}.message`, message, "must not contain line breaks"));
    }
    errors.push(...oneOf(`${path}.reason`, reason, REASONS));
  }
  return errors;
}

function variableErrors(variables: readonly PolicyVariable[]): FieldError[] {
  for (const [index, { name = "", expression = "" }] of variables.entries()) {
    const path = indexPath("spec.variables", index);
    if (name.trim() === "") return [valueRequired(`${path}.name`, "name is not specified")];
    if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name)) {
      return [valueInvalid(`${path}.name`, name, "must be a valid CEL identifier")];
    }
    if (expression.trim() === "") {
      return [valueRequired(`${path}.expression`, "expression is not specified")];
    }
    const errors = compileErrors(`${path}.expression`, expression, () =>
      createVariableScope(policyScope(), variables.slice(0, index + 1)),
    );
    if (errors.length > 0) return errors;
  }
  return [];
}

function matchErrors(match: MatchResources, path: string, needsRules: boolean): FieldError[] {
  const { resourceRules = [], excludeResourceRules = [] } = match;
  return [
    ...(needsRules && resourceRules.length === 0 ? [valueRequired(childPath(path, "resourceRules"))] : []),
    ...oneOf(`${path}.matchPolicy`, match.matchPolicy, ["Equivalent", "Exact"]),
    ...selectorErrors(match.namespaceSelector, `${path}.namespaceSelector`),
    ...selectorErrors(match.objectSelector, `${path}.objectSelector`),
    ...resourceRules.flatMap((rule, index) => ruleErrors(rule, indexPath(`${path}.resourceRules`, index))),
    ...excludeResourceRules.flatMap((rule, index) =>
      ruleErrors(rule, indexPath(`${path}.excludeResourceRules`, index)),
    ),
  ];
}

const ACTIONS = ["Audit", "Deny", "Warn"];

/** The errors in a ValidatingAdmissionPolicyBinding. */
export function bindingErrors(spec: BindingSpec & { paramRef?: unknown }): FieldError[] {
  const errors: FieldError[] = [];
  const { policyName = "", validationActions = [], matchResources, paramRef } = spec;
  if (policyName === "") errors.push(valueRequired("spec.policyName"));
  if (paramRef !== undefined) {
    errors.push(valueForbidden("spec.paramRef", "this API server evaluates policies without parameters"));
  }
  if (matchResources !== undefined) errors.push(...matchErrors(matchResources, "spec.matchResources", false));
  const at = "spec.validationActions";
  if (validationActions.length === 0) {
    errors.push(valueRequired(at, "at least one validation action is required"));
  }
  for (const [index, action] of validationActions.entries()) {
    errors.push(...oneOf(indexPath(at, index), action, ACTIONS));
  }
  if (validationActions.includes("Deny") && validationActions.includes("Warn")) {
    const detail =
      "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
    errors.push(valueInvalid(at, validationActions, detail));
  }
  return errors;
}
