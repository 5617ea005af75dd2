import type { KubernetesObject } from "../api/object.ts";
import type { Applied } from "../kube/apply.ts";
import type { EventRecorder } from "../kube/event.ts";
import type { Logger } from "../platform/log.ts";
import { Counter, type Registry } from "../platform/metrics.ts";

/** Where the guard's reason is read: `kubectl describe`, and whoever alerts on Events. */
const RESTORED = "WebhookConfigurationRestored";

/** Says it wherever somebody may look when the webhook configuration was changed or deleted, and put back. */
export interface RestorationReport {
  report(applied: Applied, events: EventRecorder): void;
}

export function createRestorationReport({
  registry,
  logger,
}: {
  registry: Registry;
  logger: Logger;
}): RestorationReport {
  const counter = new Counter({
    name: "catalyst_webhook_configuration_restored_total",
    help: "Times that somebody changed or deleted the webhook configuration and it was put back. Alert on any.",
    registers: [registry],
  });
  return {
    report(applied, events) {
      if (applied.kind !== "corrected") return;
      const { object, fields } = applied;
      counter.inc();
      const message = `${what(fields)}: put back; writes of others than the platform may have passed unjudged meanwhile`;
      logger.warn({ configuration: object.metadata.name, fields }, message);
      events.record(aboutConfiguration(object), "Warning", RESTORED, message);
    },
  };
}

const what = (fields: readonly string[]) =>
  fields.length === 0
    ? "the webhook configuration was deleted"
    : `the webhook configuration was changed in ${fields.join(", ")}`;

/** An Event needs to know the kind, which objects from a server's list do not carry. */
const aboutConfiguration = ({ metadata }: KubernetesObject): KubernetesObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata,
});
