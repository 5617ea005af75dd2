import type { Enforcement } from "../admission/enforcement.ts";
import { ADMISSION_REPORT, SYSTEM_NAMESPACE, WEBHOOK_CONFIGURATION } from "../api/name.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { Applied } from "../kube/apply.ts";
import type { EventRecorder } from "../kube/event.ts";
import { type Failure, isRefusal } from "../kube/failure.ts";
import type { Logger } from "../platform/log.ts";
import { Counter, Gauge, type Registry } from "../platform/metrics.ts";

const RESTORED = "WebhookConfigurationRestored";
const NOT_ENFORCED = "AdmissionNotEnforced";

export const AUDIT_ONLY = `admission denies nothing (--enforcement Audit): it reports what Deny would refuse in ConfigMap ${SYSTEM_NAMESPACE}/${ADMISSION_REPORT.configMap}; set Deny when nothing in it is legitimate`;

/**
 * Reports that the operator restored a changed or deleted webhook configuration: in the log, a metric and an Event. While
 * admission denies nothing, each report also repeats the Event that says so.
 */
export interface RestorationReport {
  report(applied: Applied, events: EventRecorder): void;
  /** Reports a failed write as an Event. The Event names the configuration even if it does not exist. */
  failed(failure: Failure, events: EventRecorder): void;
  /** Whether the API server refused the operator's last write. Then the configuration in force is not the operator's. */
  isRefused(): boolean;
  /** Call it when the leadership ends: another replica then writes and reports. */
  reset(): void;
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
  const refused = new Gauge({
    name: "catalyst_webhook_configuration_refused",
    help: "1: the API server refuses the operator's write of its webhook configuration. Alert on 1. Only the leader reports it; other replicas have 0.",
    registers: [registry],
  });
  let isRefused = false;
  const setRefused = (value: boolean) => {
    isRefused = value;
    refused.set(value ? 1 : 0);
  };
  setRefused(false);
  return {
    isRefused: () => isRefused,
    reset: () => setRefused(false),
    failed(failure, events) {
      if (isRefusal(failure)) setRefused(true);
      events.record(aboutConfiguration(NAMED), "Warning", failure.reason, failure.message);
    },
    report(applied, events) {
      setRefused(false);
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

const NAMED = { metadata: { name: WEBHOOK_CONFIGURATION } };

/** An Event needs the kind, which list items lack. */
const aboutConfiguration = ({ metadata }: Pick<KubernetesObject, "metadata">): KubernetesObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata,
});
