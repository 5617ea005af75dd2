import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type { Enforcement } from "../../../src/admission/enforcement.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Applied } from "../../../src/kube/apply.ts";
import type { EventRecorder } from "../../../src/kube/event.ts";
import {
  createRestorationReport,
  type RestorationReport,
} from "../../../src/operator/webhook-restoration.ts";
import { Registry } from "../../../src/platform/metrics.ts";

// A list of the API server leaves out the kind.
const object = { metadata: { name: "catalyst-operator", uid: "u" } } as KubernetesObject;

let registry: Registry;
let warnings: { msg: string; fields: string[] }[];
let events: { kind: string; type: string; reason: string; message: string }[];

const recorder: EventRecorder = {
  record: ({ kind }, type, reason, message) => events.push({ kind, type, reason, message }),
  flush: async () => {},
  settle: async () => {},
};

const create = (enforcement: Enforcement = "Deny") =>
  createRestorationReport({
    enforcement,
    registry,
    logger: pino({}, { write: (line) => warnings.push(JSON.parse(line)) }),
  });

const report = (applied: Applied, enforcement?: Enforcement) => create(enforcement).report(applied, recorder);

beforeEach(() => {
  registry = new Registry();
  warnings = [];
  events = [];
});

const metric = async (name: string) => (await registry.getSingleMetric(name)?.get())?.values[0]?.value;
const count = () => metric("catalyst_webhook_configuration_restored_total");
const refused = () => metric("catalyst_webhook_configuration_refused");

describe("createRestorationReport", () => {
  it.each<[string, string[], string]>([
    ["a deletion", [], "Another client deleted the webhook configuration"],
    [
      "a change",
      ["webhooks[admit].failurePolicy", "webhooks[admit].rules"],
      "Another client changed webhooks[admit].failurePolicy, webhooks[admit].rules of the webhook configuration",
    ],
  ])("reports %s in the log, the metric and an Event", async (_, fields, what) => {
    report({ kind: "corrected", object, fields });
    const message = `${what}; the operator put it back. Until then, requests may have skipped admission: check the audit log.`;
    expect(events).toEqual([
      {
        kind: "ValidatingWebhookConfiguration",
        type: "Warning",
        reason: "WebhookConfigurationRestored",
        message,
      },
    ]);
    expect(warnings).toEqual([expect.objectContaining({ msg: message, fields })]);
    expect(await count()).toBe(1);
  });

  it.each<Applied>([
    { kind: "created", object },
    { kind: "updated", object, fields: ["webhooks"] },
    { kind: "unchanged", object },
  ])("reports nothing for the operator's own write: $kind", async (applied) => {
    report(applied);
    expect([events, warnings, await count()]).toEqual([[], [], 0]);
  });

  it("repeats that admission denies nothing, while this is so", () => {
    report({ kind: "unchanged", object }, "Audit");
    expect(events).toEqual([
      {
        kind: "ValidatingWebhookConfiguration",
        type: "Warning",
        reason: "AdmissionNotEnforced",
        message:
          "admission denies nothing (--enforcement Audit): it reports what Deny would refuse in ConfigMap catalyst-system/catalyst-admission-report; set Deny when nothing in it is legitimate",
      },
    ]);
    expect(warnings).toEqual([]);
  });

  it.each([
    ["WriteForbidden", true],
    ["WriteInvalid", true],
    ["ReadForbidden", true],
    ["WriteConflict", false],
    ["WriteFailed", false],
  ])(
    "has the Event of a write that fails by %s; a refusal also raises the metric: %s",
    async (reason, isRefusal) => {
      const created = create();
      expect([created.isRefused(), await refused()]).toEqual([false, 0]);
      created.failed({ reason, message: "why", isFinal: false }, recorder);
      expect(events).toEqual([
        { kind: "ValidatingWebhookConfiguration", type: "Warning", reason, message: "why" },
      ]);
      expect([created.isRefused(), await refused()]).toEqual([isRefusal, isRefusal ? 1 : 0]);
    },
  );

  it.each<[string, (created: RestorationReport) => void]>([
    ["a write succeeds", (created) => created.report({ kind: "unchanged", object }, recorder)],
    ["another replica leads", (created) => created.reset()],
  ])("reports a refusal until %s", async (_, end) => {
    const created = create();
    created.failed({ reason: "WriteForbidden", message: "why", isFinal: true }, recorder);
    end(created);
    expect([created.isRefused(), await refused()]).toEqual([false, 0]);
  });
});
