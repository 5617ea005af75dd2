import {
  type FieldError,
  indexPath,
  valueDuplicate,
  valueInvalid,
  valueRequired,
} from "../schema/field-error.ts";
import { dns1123SubdomainProblems } from "../schema/name.ts";
import { conditionErrors, oneOf, ruleErrors, selectorErrors } from "./match-validation.ts";
import type { WebhookSpec } from "./webhook.ts";
import type { ClientConfig } from "./webhook-client.ts";

/** The errors in the webhooks of a configuration. */
export function webhooksErrors(webhooks: readonly WebhookSpec[]): FieldError[] {
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
    ...selectorErrors(webhook.namespaceSelector, `${path}.namespaceSelector`),
    ...selectorErrors(webhook.objectSelector, `${path}.objectSelector`),
    ...clientErrors(webhook.clientConfig ?? {}, `${path}.clientConfig`),
    ...conditionErrors(webhook.matchConditions ?? [], `${path}.matchConditions`),
  );
  return errors;
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
