import { fill, isRecord, type JsonObject, recordsOf } from "../object.ts";

/** Sets the defaults of webhook configurations, policies and bindings, in place. */
export function applyConfigurationDefaults(object: JsonObject): void {
  switch (object.kind) {
    case "ValidatingWebhookConfiguration":
    case "MutatingWebhookConfiguration":
      for (const webhook of recordsOf(object.webhooks)) {
        fill(webhook, { failurePolicy: "Fail", ...matchDefaults(), timeoutSeconds: 10 });
        if (object.kind === "MutatingWebhookConfiguration") fill(webhook, { reinvocationPolicy: "Never" });
        for (const rule of recordsOf(webhook.rules)) fill(rule, { scope: "*" });
        const { clientConfig } = webhook;
        if (isRecord(clientConfig) && isRecord(clientConfig.service)) {
          fill(clientConfig.service, { port: 443 });
        }
      }
      return;
    case "ValidatingAdmissionPolicy":
      if (!isRecord(object.spec)) return;
      fill(object.spec, { failurePolicy: "Fail" });
      defaultMatch(object.spec.matchConstraints);
      return;
    case "ValidatingAdmissionPolicyBinding":
      if (isRecord(object.spec)) defaultMatch(object.spec.matchResources);
      return;
    default:
  }
}

const matchDefaults = () => ({ matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {} });

function defaultMatch(match: unknown): void {
  if (!isRecord(match)) return;
  fill(match, matchDefaults());
  for (const rules of [match.resourceRules, match.excludeResourceRules]) {
    for (const rule of recordsOf(rules)) fill(rule, { scope: "*" });
  }
}
