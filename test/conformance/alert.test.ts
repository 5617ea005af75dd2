import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runTool } from "../support/process/tool.ts";
import { CHART, render, TOOLS } from "./helm-chart.ts";

const PROMTOOL = join(TOOLS, "promtool");
const folder = mkdtempSync(join(tmpdir(), "catalyst-alert-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Alert {
  alert: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const { groups } = parse(readFileSync(join(CHART, "monitoring/alerts.yaml"), "utf8")) as {
  groups: { rules: Alert[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules);

/** Writes JSON, which promtool reads as YAML, and runs a promtool command on the file. */
function promtool(command: string[], name: string, content: object): Promise<string> {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(content));
  return runTool(PROMTOOL, [...command, file]);
}

/** A value for each minute, in promtool's notation: `0+1x60` grows by one a minute. */
type Series = Record<string, string>;
type Firing = [alert: string, atMinute: number, labels: Record<string, string>, series: Series];

const FIRING: Firing[] = [
  [
    ...(["CatalystWebhookConfigurationRefused", 3, {}] as const),
    {
      'catalyst_webhook_configuration_refused{pod="a"}': "1x10",
      'catalyst_webhook_configuration_refused{pod="b"}': "0x10",
    },
  ],
  [
    "CatalystWebhookConfigurationRestored",
    5,
    {},
    { catalyst_webhook_configuration_restored_total: "0 0 1x10" },
  ],
  [
    ...(["CatalystAdmissionPolicyRestored", 5, { policy: "guard" }] as const),
    { 'catalyst_admission_policy_restored_total{policy="guard",kind="K"}': "0 0 1x10" },
  ],
  ["CatalystAdmissionPoliciesNotServed", 6, {}, { catalyst_admission_policies_not_served: "1x10" }],
  [
    ...(["CatalystAdmissionNotEnforced", 61, {}] as const),
    { 'catalyst_admission_enforcing{pod="a"}': "1x90", 'catalyst_admission_enforcing{pod="b"}': "0x90" },
  ],
  ["CatalystOperatorAway", 6, {}, { up: "0x10" }],
  [
    ...(["CatalystAdmissionSlow", 20, {}] as const),
    {
      'catalyst_admission_duration_seconds_bucket{le="1"}': "0x30",
      'catalyst_admission_duration_seconds_bucket{le="5"}': "0+10x30",
      'catalyst_admission_duration_seconds_bucket{le="+Inf"}': "0+10x30",
    },
  ],
  ["CatalystTrustInvalid", 6, {}, { catalyst_trust_problems: "1x10" }],
  ["CatalystUntrustedArtifacts", 16, {}, { catalyst_untrusted_artifacts: "2x20" }],
  [
    ...(["CatalystReconcileErrors", 30, { controller: "sovereign" }] as const),
    { 'controller_runtime_reconcile_errors_total{controller="sovereign"}': "0+1x40" },
  ],
  [
    ...(["CatalystReconcileStuck", 6, { name: "sovereign" }] as const),
    { 'workqueue_longest_running_processor_seconds{name="sovereign"}': "700x10" },
  ],
  [
    ...(["CatalystSovereignFailed", 16, { release: "stable" }] as const),
    { 'catalyst_failed_sovereigns{release="stable",pod="a"}': "1x20" },
  ],
  [
    // A conflict begins between two scrapes, and the operator then pauses its corrections.
    ...(["CatalystDriftCorrected", 5, { sovereign: "omantel", kind: "Service" }] as const),
    { 'catalyst_drift_corrected_total{sovereign="omantel",kind="Service"}': "_ _ 7x10" },
  ],
  [
    ...(["CatalystDriftCorrected", 60, { sovereign: "omantel", kind: "Deployment" }] as const),
    { 'catalyst_drift_corrected_total{sovereign="omantel",kind="Deployment"}': "0+1x60" },
  ],
  [
    ...(["CatalystBillingEventsPileUp", 11, { namespace: "sovereign-omantel" }] as const),
    { 'catalyst_billing_outbox_oldest_seconds{namespace="sovereign-omantel"}': "700x20" },
  ],
];

/** Two healthy replicas, and a Sovereign that was reverted and waited a few times. */
const HEALTHY: Series = {
  'catalyst_webhook_configuration_refused{pod="a"}': "0x180",
  'catalyst_webhook_configuration_restored_total{pod="a"}': "3x180",
  'catalyst_admission_policy_restored_total{policy="guard",kind="K"}': "1x180",
  'catalyst_admission_policies_not_served{pod="a"}': "0x180",
  'catalyst_admission_enforcing{pod="a"}': "1x180",
  'catalyst_admission_enforcing{pod="b"}': "1x180",
  'catalyst_admission_duration_seconds_bucket{le="1"}': "0+10x180",
  'catalyst_admission_duration_seconds_bucket{le="+Inf"}': "0+10x180",
  'catalyst_trust_problems{pod="a"}': "0x180",
  'catalyst_untrusted_artifacts{pod="a"}': "0x180",
  'controller_runtime_reconcile_errors_total{controller="sovereign"}': "5x180",
  'workqueue_longest_running_processor_seconds{name="sovereign"}': "2x180",
  'catalyst_failed_sovereigns{release="stable",pod="a"}': "0x180",
  'catalyst_drift_corrected_total{sovereign="omantel",kind="Deployment"}': "0x60 1x120",
  // Prometheus could not read it for twelve minutes, an hour before the last ones.
  'catalyst_drift_corrected_total{sovereign="omantel",kind="Service"}': "7x100 _x12 7x60",
  'catalyst_billing_outbox_oldest_seconds{namespace="sovereign-omantel"}': "5x180",
};

const testOf = (series: Series, expectations: object[]) => ({
  interval: "1m",
  input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
  alert_rule_test: expectations,
});

/** The annotations that Alertmanager receives for an alert with these labels. */
function annotationsOf({ annotations }: Alert, labels: Record<string, string>): Record<string, string> {
  return JSON.parse(
    JSON.stringify(annotations).replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label) => labels[label] ?? ""),
  );
}

describe("the alerts and the dashboard, checked by promtool", () => {
  it("have promtool: test/conformance/install-debian-tools.sh FOLDER fetches it", () => {
    expect(existsSync(PROMTOOL)).toBe(true);
  });

  it("are valid rules as the chart renders them", async () => {
    const objects = await render(
      ...["--set", "metrics.prometheusRule.enabled=true", "--api-versions", "monitoring.coreos.com/v1"],
    );
    const rule = objects.find(({ kind }) => kind === "PrometheusRule") as unknown as { spec: object };
    expect(await promtool(["check", "rules"], "alerts.json", rule.spec)).toContain(
      `SUCCESS: ${alerts.length} rules found`,
    );
  });

  it("have only expressions that Prometheus can evaluate", async () => {
    const { panels } = JSON.parse(readFileSync(join(CHART, "monitoring/dashboard.json"), "utf8")) as {
      panels: { targets: { expr: string }[] }[];
    };
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const rules = expressions.map((expr, index) => ({ record: `dashboard:panel_${index}`, expr }));
    expect(rules.length).toBeGreaterThan(5);
    const checked = promtool(["check", "rules"], "dashboard.json", {
      groups: [{ name: "dashboard", rules }],
    });
    expect(await checked).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  it("fire only for the fault that they name, with their labels filled in, and are silent on a healthy cluster", async () => {
    expect([...new Set(FIRING.map(([alert]) => alert))].sort()).toEqual(
      alerts.map(({ alert }) => alert).sort(),
    );
    const firing = FIRING.map(([alertname, minute, labels, series]) => {
      const rule = alerts.find(({ alert }) => alert === alertname) ?? expect.unreachable();
      const expected = {
        exp_labels: { ...rule.labels, ...labels },
        exp_annotations: annotationsOf(rule, labels),
      };
      return testOf(series, [{ alertname, eval_time: `${minute}m`, exp_alerts: [expected] }]);
    });
    const silent = alerts.map(({ alert }) => ({ alertname: alert, eval_time: "170m", exp_alerts: [] }));
    const output = promtool(["test", "rules"], "tests.json", {
      rule_files: [join(CHART, "monitoring/alerts.yaml")],
      evaluation_interval: "1m",
      tests: [...firing, testOf(HEALTHY, silent)],
    });
    expect(await output).toContain("SUCCESS");
  });
});
