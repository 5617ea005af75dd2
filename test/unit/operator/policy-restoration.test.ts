import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import {
  createPolicyRestorationReport,
  type PolicyRestorationReport,
} from "../../../src/operator/policy-restoration.ts";
import { Registry } from "../../../src/platform/metrics.ts";

const object = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingAdmissionPolicy",
  metadata: { name: "catalyst-api-service", uid: "u" },
};

let registry: Registry;
let warnings: string[];
let recorded: string[];
let report: PolicyRestorationReport;
const events = {
  record: (about: { kind: string; metadata: { name: string } }, ...rest: string[]) =>
    void recorded.push([about.kind, about.metadata.name, ...rest].join(" | ")),
  flush: async () => {},
  settle: async () => {},
};

beforeEach(() => {
  registry = new Registry();
  warnings = [];
  recorded = [];
  report = createPolicyRestorationReport({
    policies: [object],
    registry,
    logger: pino({}, { write: (line) => warnings.push(JSON.parse(line).msg) }),
  });
});

const valuesOf = async (metric: string) => (await registry.getSingleMetric(metric)?.get())?.values;

describe("createPolicyRestorationReport", () => {
  it.each<[string, string[], string]>([
    ["a missing policy", [], "ValidatingAdmissionPolicy catalyst-api-service was missing"],
    [
      "a changed one",
      ["spec.failurePolicy", "spec.validations"],
      "another client, or another release of the chart, changed spec.failurePolicy, spec.validations of ValidatingAdmissionPolicy catalyst-api-service",
    ],
  ])("reports %s in the log, the metric and an Event", async (_, fields, what) => {
    report.restored(object, fields, events);
    const message = `${what}; the operator put it back. Until then, requests may have passed that the policy denies: check the audit log.`;
    expect(recorded).toEqual([
      `ValidatingAdmissionPolicy | catalyst-api-service | Warning | AdmissionPolicyRestored | ${message}`,
    ]);
    expect(warnings).toEqual([message]);
    expect(await valuesOf("catalyst_admission_policy_restored_total")).toEqual([
      { labels: { kind: "ValidatingAdmissionPolicy", policy: "catalyst-api-service" }, value: 1 },
    ]);
  });

  it("counts from 0, so that Prometheus sees the first increase", async () => {
    expect(await valuesOf("catalyst_admission_policy_restored_total")).toEqual([
      { labels: { kind: "ValidatingAdmissionPolicy", policy: "catalyst-api-service" }, value: 0 },
    ]);
  });

  it("reports once that the API server serves no policies, and again after it served them", async () => {
    const gauge = () => valuesOf("catalyst_admission_policies_not_served");
    expect(await gauge()).toEqual([{ labels: {}, value: 0 }]);
    report.served(false, events);
    report.served(false, events);
    expect(await gauge()).toEqual([{ labels: {}, value: 1 }]);
    expect(recorded).toEqual([
      `ValidatingWebhookConfiguration | catalyst-operator | Warning | AdmissionPoliciesNotServed | ${warnings[0]}`,
    ]);
    report.served(true, events);
    expect(await gauge()).toEqual([{ labels: {}, value: 0 }]);
    report.served(false, events);
    expect([recorded.length, warnings.length]).toEqual([2, 2]);
  });

  it("reports nothing after its leadership ends, and reports again in its next one", async () => {
    report.served(false, events);
    report.reset();
    expect(await valuesOf("catalyst_admission_policies_not_served")).toEqual([{ labels: {}, value: 0 }]);
    report.served(false, events);
    expect([recorded.length, warnings.length]).toEqual([2, 2]);
  });
});
