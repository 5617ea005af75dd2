import type { JsonObject } from "../object.ts";
import type { FieldError } from "../schema/field-error.ts";
import type { BindingSpec, PolicySpec } from "./policy.ts";
import { bindingErrors, policyErrors } from "./policy-validation.ts";
import type { WebhookSpec } from "./webhook.ts";
import { webhooksErrors } from "./webhook-validation.ts";

/** The errors for which Kubernetes refuses a webhook configuration, policy or binding, after defaulting. */
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
