import {
  childPath,
  type FieldError,
  indexPath,
  valueDuplicate,
  valueForbidden,
  valueInvalid,
  valueNotSupported,
  valueRequired,
} from "../schema/field-error.ts";
import type { JsonObject } from "../schema/json-schema.ts";
import { dns1123SubdomainProblems, qualifiedNameProblems } from "../schema/name.ts";
import { policyScope } from "./cel-scope.ts";
import { attempt, compileConditions, type MatchCondition } from "./match-condition.ts";
import type { RuleWithOperations } from "./matching.ts";
import { type BindingSpec, compileTyped, type MatchResources, type PolicySpec } from "./policy.ts";
import { createVariableScope, type PolicyVariable } from "./policy-variable.ts";
import type { WebhookSpec } from "./webhook.ts";
import type { ClientConfig } from "./webhook-client.ts";

/** What Kubernetes refuses in a webhook configuration, policy or binding, after defaulting. */
export function validateAdmissionConfiguration(object: JsonObject): FieldError[] {
  switch (object.kind) {
    case "ValidatingWebhookConfiguration":
    case "MutatingWebhookConfiguration":
      return webhooksErrors((object.webhooks ?? []) as WebhookSpec[]);
    case "ValidatingAdmissionPolicy":
      return policyErrors((object.spec ?? {}) as PolicySpec);
    case "ValidatingAdmissionPolicyBinding":
      return bindingErrors((object.spec ?? {}) as BindingSpec);
    default:
      return [];
  }
}

function webhooksErrors(webhooks: readonly WebhookSpec[]): FieldError[] {
  const names = webhooks.map(({ name }) => name);
  return webhooks.flatMap((webhook, index) => {
    const path = indexPath("webhooks", index);
    const errors = webhookErrors(webhook, path);
    if (names.indexOf(webhook.name) < index) errors.push(valueDuplicate(`${path}.name`, webhook.name));
    return errors;
  });
}

function webhookErrors(webhook: WebhookSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { name = "", sideEffects, timeoutSeconds, admissionReviewVersions = [] } = webhook;
  if (name === "") errors.push(valueRequired(`${path}.name`));
  else if (dns1123SubdomainProblems(name).length > 0) {
    errors.push(valueInvalid(`${path}.name`, name, dns1123SubdomainProblems(name).join(",")));
  } else if (name.split(".").length < 3) {
    errors.push(
      valueInvalid(`${path}.name`, name, "should be a domain with at least three segments separated by dots"),
    );
  }
  for (const [index, rule] of (webhook.rules ?? []).entries()) {
    errors.push(...ruleErrors(rule, indexPath(`${path}.rules`, index)));
  }
  errors.push(
    ...oneOf(`${path}.failurePolicy`, webhook.failurePolicy, ["Fail", "Ignore"]),
    ...oneOf(`${path}.matchPolicy`, webhook.matchPolicy, ["Equivalent", "Exact"]),
    ...oneOf(`${path}.reinvocationPolicy`, webhook.reinvocationPolicy, ["IfNeeded", "Never"]),
  );
  const harmless = ["None", "NoneOnDryRun"];
  if (sideEffects === undefined) {
    errors.push(valueRequired(`${path}.sideEffects`, `must specify one of ${harmless.join(", ")}`));
  } else errors.push(...oneOf(`${path}.sideEffects`, sideEffects, harmless));
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > 30)) {
    const detail = "the timeout value must be between 1 and 30 seconds";
    errors.push(valueInvalid(`${path}.timeoutSeconds`, timeoutSeconds, detail));
  }
  if (admissionReviewVersions.length === 0) {
    errors.push(valueRequired(`${path}.admissionReviewVersions`, "must specify one of v1, v1beta1"));
  } else if (!admissionReviewVersions.some((version) => version === "v1" || version === "v1beta1")) {
    const detail = "must include at least one of v1, v1beta1";
    errors.push(valueInvalid(`${path}.admissionReviewVersions`, admissionReviewVersions, detail));
  }
  errors.push(
    ...clientErrors(webhook.clientConfig ?? {}, `${path}.clientConfig`),
    ...conditionErrors(webhook.matchConditions ?? [], `${path}.matchConditions`),
  );
  return errors;
}

function oneOf(path: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [valueNotSupported(path, value, supported)];
}

function clientErrors({ url, service }: ClientConfig, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if ((url === undefined) === (service === undefined)) {
    return [valueRequired(path, "exactly one of url or service is required")];
  }
  const form = "; desired format: https://host[/path]";
  if (url !== undefined) {
    const at = `${path}.url`;
    if (!URL.canParse(url)) return [valueRequired(at, `url must be a valid URL: ${url}${form}`)];
    const parsed = new URL(url);
    const scheme = parsed.protocol.replace(/:$/, "");
    if (scheme !== "https") {
      errors.push(valueInvalid(at, scheme, `'https' is the only allowed URL scheme${form}`));
    }
    if (parsed.username !== "" || parsed.password !== "") {
      errors.push(valueInvalid(at, parsed.username, "user information is not permitted in the URL"));
    }
    if (parsed.hash !== "") {
      errors.push(valueInvalid(at, parsed.hash.slice(1), "fragments are not permitted in the URL"));
    }
    if (parsed.search !== "") {
      errors.push(valueInvalid(at, parsed.search.slice(1), "query parameters are not permitted in the URL"));
    }
    return errors;
  }
  const at = `${path}.service`;
  if (!service?.name) errors.push(valueRequired(`${at}.name`));
  if (!service?.namespace) errors.push(valueRequired(`${at}.namespace`));
  const { port = 443, path: servicePath } = service ?? {};
  if (port < 1 || port > 65535) {
    const detail = "port is not valid: must be between 1 and 65535, inclusive";
    errors.push(valueInvalid(`${at}.port`, port, detail));
  }
  if (servicePath && !servicePath.startsWith("/")) {
    errors.push(valueInvalid(`${at}.path`, servicePath, "must start with a '/'"));
  }
  return errors;
}

const OPERATIONS = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

function ruleErrors(rule: RuleWithOperations, path: string): FieldError[] {
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
  }
  for (const [index, operation] of (rule.operations ?? []).entries()) {
    errors.push(...oneOf(indexPath(`${path}.operations`, index), operation, OPERATIONS));
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

function conditionErrors(conditions: readonly MatchCondition[], path: string): FieldError[] {
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

function compileErrors(path: string, expression: string, compile: () => unknown): FieldError[] {
  const compiled = attempt(compile);
  if (!(compiled instanceof Error)) return [];
  const { message } = compiled;
  const detail = message.startsWith("must evaluate") ? message : `compilation failed: ${message}`;
  return [valueInvalid(path, expression, detail)];
}

const REASONS = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"];

function policyErrors(spec: PolicySpec): FieldError[] {
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
  // Without its variables an expression cannot be told right from wrong.
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
    ...resourceRules.flatMap((rule, index) => ruleErrors(rule, indexPath(`${path}.resourceRules`, index))),
    ...excludeResourceRules.flatMap((rule, index) =>
      ruleErrors(rule, indexPath(`${path}.excludeResourceRules`, index)),
    ),
  ];
}

const ACTIONS = ["Audit", "Deny", "Warn"];

function bindingErrors(spec: BindingSpec & { paramRef?: unknown }): FieldError[] {
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
