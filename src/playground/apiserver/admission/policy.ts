import type { Environment } from "@marcbachmann/cel-js";
import type { Authorizer } from "../access/authorization.ts";
import { forbiddenBecause } from "../refusal.ts";
import {
  CelCompileError,
  CelEvaluationError,
  type CelExpression,
  compileExpression,
} from "../schema/cel/expression.ts";
import { StatusError } from "../status.ts";
import { policyScope, ScopeValues } from "./cel-scope.ts";
import {
  aggregated,
  attempt,
  type CompiledCondition,
  compileConditions,
  evaluateConditions,
  type MatchCondition,
} from "./match-condition.ts";
import {
  type LabelSelector,
  type MatchDeps,
  matchedResource,
  type RuleWithOperations,
  selectorsMatch,
} from "./matching.ts";
import { createVariableScope, type PolicyVariable } from "./policy-variable.ts";
import {
  type AdmissionNotes,
  type AdmissionRequest,
  type GroupVersionResource,
  isNamespaceResource,
  metadataOf,
} from "./request.ts";

export interface MatchResources {
  resourceRules?: RuleWithOperations[];
  excludeResourceRules?: RuleWithOperations[];
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  matchPolicy?: "Exact" | "Equivalent";
}

interface PolicyValidation {
  expression: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
}

/** `spec` of a ValidatingAdmissionPolicy. */
export interface PolicySpec {
  paramKind?: object;
  failurePolicy?: "Fail" | "Ignore";
  matchConstraints?: MatchResources;
  matchConditions?: MatchCondition[];
  variables?: PolicyVariable[];
  validations?: PolicyValidation[];
  auditAnnotations?: { key: string; valueExpression: string }[];
}

/** `spec` of a ValidatingAdmissionPolicyBinding. */
export interface BindingSpec {
  policyName: string;
  matchResources?: MatchResources;
  validationActions?: ("Deny" | "Warn" | "Audit")[];
}

export interface PolicyDeps extends MatchDeps {
  authorizer: Authorizer;
}

interface Finding {
  index: number;
  message: string;
  reason?: string;
}

export interface Policy {
  name: string;
  /** Throws the refusal of the first binding that denies. Adds warnings and annotations as the bindings say. */
  enforce(
    request: AdmissionRequest,
    bindings: readonly { name: string; spec: BindingSpec }[],
    notes: AdmissionNotes,
  ): void;
}

interface CompiledPolicy {
  conditions: CompiledCondition[];
  variables: ReturnType<typeof createVariableScope>;
  validations: {
    validation: PolicyValidation;
    expression: CelExpression;
    messageExpression: CelExpression | undefined;
  }[];
}

/** Throws `CelCompileError`. */
function compilePolicy(spec: PolicySpec): CompiledPolicy {
  const variables = createVariableScope(policyScope(), spec.variables ?? []);
  return {
    conditions: compileConditions(spec.matchConditions),
    variables,
    validations: (spec.validations ?? []).map((validation) => ({
      validation,
      expression: compileTyped(variables.environment, validation.expression, "bool"),
      messageExpression: validation.messageExpression
        ? compileTyped(variables.environment, validation.messageExpression, "string")
        : undefined,
    })),
  };
}

/** Compiles an expression of a policy; throws `CelCompileError`, also when its value is of another type. */
export function compileTyped(
  environment: Environment,
  source: string,
  type: "bool" | "string",
): CelExpression {
  const compiled = compileExpression(environment.clone(), source);
  if (compiled.type === type) return compiled;
  throw new CelCompileError(`must evaluate to ${type} but got ${compiled.type}`);
}

/** A policy that does not compile follows its failure policy. Validation refuses such a policy when it is written. */
export function createPolicy(deps: PolicyDeps, name: string, spec: PolicySpec): Policy {
  const { failurePolicy = "Fail", matchConstraints = {} } = spec;
  const compiled = attempt(() => compilePolicy(spec));

  /** The failed validations of a request. An error counts as one when the policy fails closed. */
  function findings(request: AdmissionRequest, matchedAs: GroupVersionResource): Finding[] {
    const onError = (message: string, index = 0): Finding[] =>
      failurePolicy === "Fail" ? [{ index, message }] : [];
    if (compiled instanceof CelCompileError) return onError(`compilation failed: ${compiled.message}`);
    const namespace =
      request.namespace === "" || isNamespaceResource(request.resource)
        ? null
        : (deps.namespace(request.namespace) ?? null);
    const values = new ScopeValues(request, matchedAs, deps.authorizer, namespace);
    const matched = evaluateConditions(compiled.conditions, values);
    if (matched.kind === "unmatched") return [];
    if (matched.kind === "failed") return onError(aggregated(matched.errors));
    values.variables = compiled.variables.valuesFor(values);
    return compiled.validations.flatMap(({ validation, expression, messageExpression }, index) => {
      try {
        if (expression.evaluate(values) === true) return [];
      } catch (error) {
        if (!(error instanceof CelEvaluationError)) throw error;
        return onError(`expression '${expression.source}' resulted in error: ${error.message}`, index);
      }
      const message =
        evaluatedMessage(messageExpression, values) ||
        validation.message?.trim() ||
        `failed expression: ${expression.source.trim()}`;
      return [{ index, message, reason: validation.reason ?? "Invalid" }];
    });
  }

  return {
    name,
    enforce(request, bindings, notes) {
      const matchedAs = matchResources(deps, request, matchConstraints);
      if (matchedAs === undefined) return;
      const applying = bindings.filter(
        ({ spec: { matchResources: narrowed } }) =>
          narrowed === undefined || matchResources(deps, request, narrowed, matchedAs) !== undefined,
      );
      if (applying.length === 0) return;
      const found = findings(request, matchedAs);
      const failures = applying.flatMap((binding) => found.map((finding) => ({ binding, finding })));
      for (const { binding, finding } of failures) noteFailure(notes, name, binding, finding);
      const denied = failures.find(({ binding }) => binding.spec.validationActions?.includes("Deny"));
      if (denied !== undefined) throw policyRefusal(request, name, denied.binding.name, denied.finding);
    },
  };
}

/** Adds the warning and the audit annotation that the binding's actions ask for. */
function noteFailure(
  notes: AdmissionNotes,
  policy: string,
  { name: binding, spec }: { name: string; spec: BindingSpec },
  { message, index }: Finding,
): void {
  const { validationActions = [] } = spec;
  if (validationActions.includes("Warn")) {
    notes.warnings.push(
      `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding}': ${message}`,
    );
  }
  if (validationActions.includes("Audit")) {
    notes.auditAnnotations["validation.policy.admission.k8s.io/validation_failure"] = JSON.stringify([
      { message, policy, binding, expressionIndex: index, validationActions },
    ]);
  }
}

function evaluatedMessage(expression: CelExpression | undefined, scope: ScopeValues): string {
  if (expression === undefined) return "";
  try {
    const text = expression.evaluate(scope);
    return typeof text === "string" && !text.includes("\n") ? text.trim() : "";
  } catch (error) {
    if (!(error instanceof CelEvaluationError)) throw error;
    return "";
  }
}

/** With `within`, a binding narrows what its policy matched. Without rules of its own it narrows by selectors only. */
function matchResources(
  deps: MatchDeps,
  request: AdmissionRequest,
  constraints: MatchResources,
  within?: GroupVersionResource,
): GroupVersionResource | undefined {
  const { resourceRules = [], excludeResourceRules = [], matchPolicy } = constraints;
  if (matchedResource(deps, request, excludeResourceRules, matchPolicy) !== undefined) return undefined;
  const matched =
    resourceRules.length === 0
      ? (within ?? request.resource)
      : matchedResource(deps, request, resourceRules, matchPolicy);
  return matched !== undefined && selectorsMatch(deps, request, constraints) ? matched : undefined;
}

const CODES: Record<string, number> = {
  Forbidden: 403,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

function policyRefusal(
  request: AdmissionRequest,
  policy: string,
  binding: string,
  { message, reason = "Invalid" }: Finding,
): StatusError {
  const text = `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${message}`;
  const { name, generateName } = metadataOf(request.object);
  const { group, resource: plural } = request.resource;
  const shown = request.name || name || generateName || "Unknown";
  const refused = forbiddenBecause({ group, plural }, shown, text);
  return new StatusError(CODES[reason] ?? 422, reason, refused.message, {
    ...refused.details,
    causes: [{ message: text }],
  });
}
