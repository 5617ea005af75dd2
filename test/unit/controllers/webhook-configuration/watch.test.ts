import { describe, expect, it } from "vitest";
import { WEBHOOK_CONFIGURATION } from "../../../../src/api/name.ts";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import { webhookConfigurationWatches } from "../../../../src/controllers/webhook-configuration/controller.ts";
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../../../src/kube/resource.ts";
import { fixedInformer } from "../../../support/builder/reconcile-context.ts";
import { connect, object } from "../../../support/builder/watch.ts";

describe("webhookConfigurationWatches", () => {
  it("enqueues the one configuration at the start, when another is desired, and when any is changed", () => {
    const configurations = fixedInformer<KubernetesObject>(VALIDATING_WEBHOOK_CONFIGURATIONS);
    const handlers: (() => void)[] = [];
    const onDesired = (handler: () => void) => void handlers.push(handler);
    const seen = connect(webhookConfigurationWatches({ configurations, onDesired } as never));
    expect(seen).toEqual([WEBHOOK_CONFIGURATION]);
    for (const handler of handlers) handler();
    configurations.announce({
      kind: "deleted",
      object: object("ValidatingWebhookConfiguration", WEBHOOK_CONFIGURATION),
    });
    expect(seen).toEqual([WEBHOOK_CONFIGURATION, WEBHOOK_CONFIGURATION, WEBHOOK_CONFIGURATION]);
  });
});
