import { WEBHOOK_CONFIGURATION } from "../api/name.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { EventRecorder } from "../kube/event.ts";
import type { Logger } from "../platform/log.ts";
import { Counter, Gauge, type Registry } from "../platform/metrics.ts";

const RESTORED = "AdmissionPolicyRestored";
const NOT_SERVED = "AdmissionPoliciesNotServed";

const NOT_SERVED_MESSAGE =
  "the API server serves no ValidatingAdmissionPolicies, so that nothing protects the webhook's configuration and catalyst-system while the webhook is down; turn on admissionregistration.k8s.io/v1 in its --runtime-config";

/** Reports restored and missing native policies: in the log, a metric and an Event. */
export interface PolicyRestorationReport {
  /** `fields` is empty when the object was missing. */
  restored(object: KubernetesObject, fields: readonly string[], events: EventRecorder): void;
  served(isServed: boolean, events: EventRecorder): void;
  /** Call it when the leadership ends: another replica then reports. */
  reset(): void;
}

export function createPolicyRestorationReport({
  policies,
  registry,
  logger,
}: {
  /** The policies and bindings that the operator restores. */
  policies: readonly KubernetesObject[];
  registry: Registry;
  logger: Logger;
}): PolicyRestorationReport {
  const counter = new Counter({
    name: "catalyst_admission_policy_restored_total",
    help: "Times that the operator put back a changed or missing ValidatingAdmissionPolicy or binding of its own. Alert on any increase.",
    labelNames: ["kind", "policy"],
    registers: [registry],
  });
  // Prometheus sees an increase only in a series that had a value before.
  for (const { kind, metadata } of policies) counter.inc({ kind, policy: metadata.name }, 0);
  const missing = new Gauge({
    name: "catalyst_admission_policies_not_served",
    help: "1: the API server serves no ValidatingAdmissionPolicies. Alert on 1. Only the leader reports it; other replicas have 0.",
    registers: [registry],
  });
  missing.set(0);
  let wasServed = true;
  return {
    restored(object, fields, events) {
      const { kind, metadata } = object;
      counter.inc({ kind, policy: metadata.name });
      const what =
        fields.length === 0
          ? `${kind} ${metadata.name} was missing`
          : `another client, or another release of the chart, changed ${fields.join(", ")} of ${kind} ${metadata.name}`;
      const message = `${what}; the operator put it back. Until then, requests may have passed that the policy denies: check the audit log.`;
      logger.warn({ kind, policy: metadata.name, fields }, message);
      events.record(object, "Warning", RESTORED, message);
    },
    served(isServed, events) {
      missing.set(isServed ? 0 : 1);
      if (!isServed && wasServed) {
        logger.warn(NOT_SERVED_MESSAGE);
        events.record(WEBHOOK, "Warning", NOT_SERVED, NOT_SERVED_MESSAGE);
      }
      wasServed = isServed;
    },
    reset() {
      missing.set(0);
      wasServed = true;
    },
  };
}

/** The Event is about the webhook configuration, because the policies do not exist. */
const WEBHOOK: KubernetesObject = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: { name: WEBHOOK_CONFIGURATION },
};
