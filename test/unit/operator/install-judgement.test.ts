import { describe, expect, it } from "vitest";
import type { Finding } from "../../../src/admission/rules/environment-policy.ts";
import { ENVIRONMENT_POLICY, type EnvironmentPolicy } from "../../../src/api/environment-policy.ts";
import { soakRecordObject } from "../../../src/api/soak-record.ts";
import { CONFIG_MAPS, resourceOf } from "../../../src/kube/resource.ts";
import { createFindingReport, createInstallLookups } from "../../../src/operator/install-judgement.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import {
  deployment,
  environmentPolicy,
  image,
  workloadInstall,
} from "../../support/builder/install-request.ts";
import { fixedInformer } from "../../support/builder/reconcile-context.ts";

const policies = fixedInformer<EnvironmentPolicy>(resourceOf(ENVIRONMENT_POLICY), [
  environmentPolicy("live", []),
]);
const finding = (enforcement: Finding["enforcement"], policy = "live"): Finding => ({
  ...{ policy, rule: "soak", enforcement },
  violation: { rule: "environment-soak", path: "spec", message: "it has not run" },
});
const install = workloadInstall(deployment([image("a")]));

function reporter() {
  const registry = new Registry();
  const events: unknown[][] = [];
  const recorded: string[] = [];
  const report = createFindingReport({
    registry,
    policies,
    rows: { record: ({ policy }) => void recorded.push(policy) },
    events: {
      record: ({ kind, metadata }, ...rest) => void events.push([kind, metadata.name, ...rest]),
      flush: async () => {},
      settle: async () => {},
    },
  });
  return { report, events, recorded, metrics: () => registry.metrics() };
}

describe("the report of what installs break", () => {
  it("counts each finding by policy, rule and enforcement", async () => {
    const { report, metrics } = reporter();
    for (const it of [finding("Deny"), finding("Deny"), finding("Warn")]) report(it, install);
    const counted = (enforcement: string, count: number) =>
      `catalyst_environment_policy_findings_total{policy="live",rule="soak",enforcement="${enforcement}"} ${count}`;
    expect(await metrics()).toContain(counted("Deny", 2));
    expect(await metrics()).toContain(counted("Warn", 1));
  });

  it("passes each finding on for the policy's status, and none of a dry run", () => {
    const { report, recorded } = reporter();
    for (const enforcement of ["Deny", "Warn", "Audit"] as const) report(finding(enforcement), install);
    report(finding("Deny"), { ...install, isDryRun: true });
    expect(recorded).toEqual(["live", "live", "live"]);
  });

  it("records an Event of the policy for a finding that is only audited", () => {
    const { report, events } = reporter();
    for (const it of [finding("Deny"), finding("Warn"), finding("Audit")]) report(it, install);
    expect(events).toEqual([
      [
        "EnvironmentPolicy",
        "live",
        "Warning",
        "InstallAudited",
        "amal installed deployments/shop in acme-prod: it has not run",
      ],
    ]);
  });

  it.each([
    ["of a dry run", finding("Audit"), { ...install, isDryRun: true }],
    ["of a policy that was deleted meanwhile", finding("Audit", "gone"), install],
  ])("records no Event for a finding %s", async (_, it, input) => {
    const { report, events, metrics } = reporter();
    report(it, input);
    expect(events).toEqual([]);
    expect(await metrics()).toContain('enforcement="Audit"} 1');
  });
});

describe("the lookups about installs", () => {
  it("read the record of one environment, in catalyst-system", () => {
    const entry = { since: "2026-11-29T00:00:00Z", seen: "2026-11-29T00:00:00Z" };
    const record = soakRecordObject("acme-stg", { "sha256:a": entry });
    const foreign = { ...record, metadata: { ...record.metadata, namespace: "acme-stg" } };
    const lookups = (object: typeof record) =>
      createInstallLookups(
        { get: async () => undefined },
        { policies, soakRecords: fixedInformer(CONFIG_MAPS, [object]) },
      );
    expect(lookups(record).soakRecord("acme-stg")).toEqual({ "sha256:a": entry });
    expect(lookups(record).soakRecord("other-stg")).toEqual({});
    expect(lookups(foreign).soakRecord("acme-stg")).toEqual({});
  });

  it("read a HelmRelease live", async () => {
    const asked: unknown[] = [];
    const get = async (...request: unknown[]) => void asked.push(request);
    const lookups = createInstallLookups(
      { get: get as never },
      { policies, soakRecords: fixedInformer(CONFIG_MAPS) },
    );
    expect(await lookups.readHelmRelease("acme-prod", "shop")).toBeUndefined();
    expect(asked).toMatchObject([
      [
        { plural: "helmreleases", version: "v2" },
        { namespace: "acme-prod", name: "shop" },
      ],
    ]);
  });
});
