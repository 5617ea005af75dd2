import type { Enforcement } from "../admission/enforcement.ts";
import { ADMISSION_REPORT, SYSTEM_NAMESPACE } from "../api/name.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { Applied } from "../kube/apply.ts";
import type { EventRecorder } from "../kube/event.ts";
import type { Logger } from "../platform/log.ts";
import { Counter, type Registry } from "../platform/metrics.ts";

const RESTORED = "WebhookConfigurationRestored";
const NOT_ENFORCED = "AdmissionNotEnforced";

export const AUDIT_ONLY = `admission denies nothing (--enforcement Audit): it reports what Deny would refuse in ConfigMap ${SYSTEM_NAMESPACE}/${ADMISSION_REPORT.configMap}; set Deny when nothing in it is legitimate`;

/**
 * Reports that the operator put back a changed or deleted webhook configuration: in the log, a metric and an Event. Each
 * report also repeats the Event that admission denies nothing, as long as it does.
 */
export interface RestorationReport {
  report(applied: Applied, events: EventRecorder): void;
}

export function createRestorationReport({
  enforcement,
  registry,
  logger,
}: {
  enforcement: Enforcement;
  registry: Registry;
  logger: Logger;
}): RestorationReport {
  const counter = new Counter({
    name: "catalyst_webhook_configuration_restored_total",
    help: "Times that the operator put back the changed or deleted webhook configuration. Alert on any increase.",
    registers: [registry],
  });
  return {
    report(applied, events) {
      if (enforcement === "Audit")
        events.record(aboutConfiguration(applied.object), "Warning", NOT_ENFORCED, AUDIT_ONLY);
      if (applied.kind !== "corrected") return;
      const { object, fields } = applied;
      counter.inc();
      const message = `${describeChange(fields)}; the operator put it back. Until then, requests may have skipped admission: check the audit log.`;
      logger.warn({ configuration: object.metadata.name, fields }, message);
      events.record(aboutConfiguration(object), "Warning", RESTORED, message);
    },
  };
}

const describeChange = (fields: readonly string[]) =>
  fields.length === 0
    ? "Another client deleted the webhook configuration"
    : `Another client changed ${fields.join(", ")} of the webhook configuration`;

/** An Event needs the kind, which the objects of a list do not carry. */
const aboutConfiguration = ({ metadata }: KubernetesObject): KubernetesObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata,
});
