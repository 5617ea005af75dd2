import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { BUILT_IN_IDENTITIES } from "../../../src/admission/rules/identity.ts";
import { KINDS } from "../../../src/api/kind-list.ts";
import { chartPage } from "../../../src/cli/generate-chart-page.ts";
import { createReconcileMetrics } from "../../../src/kube/metric.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { matchesOf, readPage } from "../../support/builder/documentation-page.ts";
import { isMetric } from "../../support/builder/program-name.ts";

const CHART = join(import.meta.dirname, "../../../charts/catalyst-operator");
const read = (path: string) => readFileSync(join(CHART, path), "utf8");

/** The metrics in a PromQL expression. The three series of a histogram count as one. */
const metricsIn = (expression: string) =>
  matchesOf(expression, /\b((?:catalyst|workqueue|controller_runtime|process)_\w+)/g).map((name) =>
    name.replace(/_(bucket|sum|count)$/, ""),
  );

const registry = new Registry();
createReconcileMetrics(registry);
/** The metrics of controllers, and one that prom-client defines in every Node process. */
const SHARED = [...registry.getMetricsAsArray().map(({ name }) => name), "process_resident_memory_bytes"];
const isKnown = (name: string) => isMetric(name) || SHARED.includes(name);

interface Alert {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}

describe("the alerts of the chart", () => {
  const { groups } = parse(read("monitoring/alerts.yaml")) as { groups: { rules: Alert[] }[] };
  const alerts = groups.flatMap(({ rules }) => rules);
  const anchors = matchesOf(readPage("docs/runbook.md"), /^## (.+)$/gm).map(
    (title) => `docs/runbook.md#${title.toLowerCase().replaceAll("'", "").replaceAll(" ", "-")}`,
  );

  it("cover the metrics whose help asks for an alert", () => {
    expect(alerts.length).toBeGreaterThanOrEqual(13);
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
    const watched = alerts.flatMap(({ expr }) => metricsIn(expr));
    expect(watched).toEqual(
      expect.arrayContaining([
        "catalyst_trust_problems",
        "catalyst_admission_enforcing",
        "catalyst_admission_policy_restored_total",
        "catalyst_admission_policies_not_served",
        "catalyst_webhook_configuration_restored_total",
        "catalyst_webhook_configuration_refused",
      ]),
    );
  });

  it.each(alerts)("$alert uses metrics that exist, and links to a heading of the runbook", (alert) => {
    const metrics = metricsIn(alert.expr);
    expect(metrics).not.toEqual([]);
    expect(metrics.filter((name) => !isKnown(name))).toEqual([]);
    expect(anchors).toContain(alert.annotations.runbook_url);
    expect(["info", "warning", "critical"]).toContain(alert.labels.severity);
    for (const text of [alert.annotations.summary, alert.annotations.description])
      expect(text.length).toBeGreaterThan(20);
  });
});

describe("the dashboard of the chart", () => {
  const { panels } = JSON.parse(read("monitoring/dashboard.json")) as {
    panels: { id: number; title: string; targets: { expr: string }[] }[];
  };

  it.each(panels)("$title uses metrics that exist", ({ targets }) => {
    const metrics = targets.flatMap(({ expr }) => metricsIn(expr));
    expect(metrics).not.toEqual([]);
    expect(metrics.filter((name) => !isKnown(name))).toEqual([]);
  });

  it("gives each panel a number of its own", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});

describe("Chart.yaml", () => {
  const chart = parse(read("Chart.yaml")) as {
    version: string;
    icon: string;
    annotations: Record<string, string>;
  };

  it("lists every kind for Artifact Hub", () => {
    const listed = parse(chart.annotations["artifacthub.io/crds"] ?? "") as Record<string, string>[];
    expect(listed.map(({ kind, version, name }) => ({ kind, version, name })).sort(byName)).toEqual(
      KINDS.map(({ kind, plural }) => ({
        ...{ kind, version: "v1alpha1" },
        name: `${plural}.catalyst.openova.io`,
      })).sort(byName),
    );
  });
  const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }) =>
    (a.name ?? "") < (b.name ?? "") ? -1 : 1;

  it("has the icon of icon.svg, and the version and licence of the package", () => {
    const [, icon = ""] = chart.icon.split("base64,");
    expect(Buffer.from(icon, "base64").toString()).toBe(read("icon.svg"));
    const own = JSON.parse(readPage("package.json")) as { version: string; license: string };
    expect(chart.version).toBe(own.version);
    expect(chart.annotations["artifacthub.io/license"]).toBe(own.license);
    expect(read("LICENSE")).toBe(readPage("LICENSE"));
  });
});

describe("NOTES.txt", () => {
  it("names the built-in identities of the platform", () => {
    const list = (names: readonly string[]) => `(list ${names.map((name) => `"${name}"`).join(" ")})`;
    expect(read("templates/NOTES.txt")).toContain(list(BUILT_IN_IDENTITIES.platformGroups));
    expect(read("templates/NOTES.txt")).toContain(list(BUILT_IN_IDENTITIES.platformNamespaces));
  });
});

describe("chartPage", () => {
  it("has a row with default and meaning for each value of the chart", () => {
    const rows = chartPage(read("values.yaml"))
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) => line.slice(2, -2).split(" | "));
    expect(rows.length).toBeGreaterThan(60);
    expect(rows.filter(([path, fallback, meaning]) => !path || !fallback || !meaning)).toEqual([]);
  });

  it("gives a comment above a mapping to its first leaf, and shows each leaf's value", () => {
    const page = chartPage("# One.\na:\n  # Two.\n  b: 1\n  # Three.\n  c: { d: [x] }\n# Four.\ne: {}\n");
    expect(page).toContain(
      '| `a.b` | `1` | One. Two. |\n| `a.c` | `{"d":["x"]}` | Three. |\n| `e` | `{}` | Four. |',
    );
  });

  it("refuses values that are no mapping", () => {
    expect(() => chartPage("- a")).toThrow("values.yaml is no mapping");
  });
});

describe("docs/install.md", () => {
  const page = readPage("docs/install.md");
  const sections = new Map(
    page
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.split("\n")[0] ?? "", section]),
  );

  it.each([
    ...["kubeadm", "EKS", "GKE", "AKS", "OpenShift", "k3s", "Rancher"],
    ...["Helm", "Flux", "Argo CD"],
  ])("names for %s the administrator, the values to set and the checks", (name) => {
    for (const part of ["Administrator", "Values", "Check"])
      expect(sections.get(name)).toContain(`- **${part}:**`);
  });

  it("names only values that the chart has", () => {
    const values = parse(read("values.yaml")) as Record<string, unknown>;
    const isValue = (path: string) =>
      path
        .split(".")
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], values) !==
      undefined;
    const named = [
      ...matchesOf(page, /`([a-z]+[A-Za-z]*(?:\.[a-zA-Z]+)+)(?:=[^`]*)?`/g),
      ...matchesOf(page, /--set '?([a-zA-Z.]+)=/g),
    ].filter((name) => !/\.(conf|yaml|test)|^spec\./.test(name));
    expect(new Set(named).size).toBeGreaterThan(8);
    expect(named.filter((name) => !isValue(name))).toEqual([]);
  });
});
