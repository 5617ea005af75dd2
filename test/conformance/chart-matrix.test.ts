import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { KubernetesObject } from "../../src/api/object.ts";
import { createKubeClient, type KubeClient } from "../../src/kube/client.ts";
import { NAMESPACES } from "../../src/kube/resource.ts";
import { runTool } from "../support/process/tool.ts";
import { startTestControlPlane, type TestControlPlane } from "../support/server/kube-apiserver.ts";
import { writeKindSchemas } from "../support/server/openapi-schema.ts";
import { NEIGHBOUR_DEFINITIONS } from "../support/suite/chart-definition.ts";
import { CHART_MATRIX } from "../support/suite/chart-matrix.ts";
import { CHART, DIGEST, TOOLS } from "./helm-chart.ts";

const SERVED = ["cert-manager.io/v1", "monitoring.coreos.com/v1"];
/** One rendering uses one core for half a second. CI machines have two cores. */
const AT_ONCE = 2;

let plane: TestControlPlane;
let client: KubeClient;
let folder: string;
const renders = new Map<string, string>();
/** The different objects of all renders, without repetitions. */
let objects: KubernetesObject[] = [];

const run = (tool: string, args: string[]) =>
  runTool(join(TOOLS, tool), args, { env: { KUBECONFIG: plane.kubeconfigPath } });
const template = (values: string, served: readonly string[] = SERVED) =>
  run("helm", [
    ...["template", "catalyst", CHART, "--namespace", "catalyst-system", "--values", values],
    ...served.flatMap((version) => ["--api-versions", version]),
  ]);

/** Does the work for each item, `AT_ONCE` items at a time. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const line = items.values();
  const worker = async () => {
    for (const item of line) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function objectsOf(rendered: readonly string[]): KubernetesObject[] {
  const texts = new Set(rendered.flatMap((render) => render.split(/^---$/m).map((text) => text.trim())));
  return [...texts].flatMap((text) => {
    const object = parse(text) as KubernetesObject | null;
    return object === null ? [] : [object];
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "catalyst-chart-matrix-"));
  plane = await startTestControlPlane("real");
  client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "chart-matrix-test" });
  const file = join(folder, "definitions.json");
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: NEIGHBOUR_DEFINITIONS }));
  await run("kubectl", ["apply", "--filename", file]);
  for (const name of ["catalyst-system", "cert-manager", "certificates"])
    await client.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
});
afterAll(async () => {
  await client?.close();
  await plane?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

describe(`the chart with ${CHART_MATRIX.length} combinations of values`, () => {
  it("covers at least 40 combinations, each once", () => {
    expect(CHART_MATRIX.length).toBeGreaterThanOrEqual(40);
    expect(new Set(CHART_MATRIX.map(([, values]) => JSON.stringify(values))).size).toBe(CHART_MATRIX.length);
    expect(new Set(CHART_MATRIX.map(([name]) => name)).size).toBe(CHART_MATRIX.length);
  });

  it("passes helm lint --strict and renders", async () => {
    await forEach([...CHART_MATRIX.entries()], async ([index, [name, values]]) => {
      const file = join(folder, `values-${index}.yaml`);
      // Helm reads YAML 1.1, in which more words are truth values than in 1.2. JSON is the same in both.
      writeFileSync(file, JSON.stringify(merged(values)));
      // `helm lint` has no cluster, so a template that needs cert-manager's kinds fails in it.
      const isLinted = !JSON.stringify(values).includes("cert-manager");
      const scope = ["--strict", "--quiet", "--namespace", "catalyst-system"];
      if (isLinted) await run("helm", ["lint", CHART, ...scope, "--values", file]);
      renders.set(name, await template(file));
    });
    expect(renders.size).toBe(CHART_MATRIX.length);
    objects = objectsOf([...renders.values()]);
  }, 180_000);

  it("renders the same bytes twice", async () => {
    const last = CHART_MATRIX.length - 1;
    const [name = ""] = CHART_MATRIX[last] ?? [];
    expect(await template(join(folder, `values-${last}.yaml`))).toBe(renders.get(name));
  });

  it("labels every object with its release and the values, and has every object of the features that are enabled", () => {
    const unlabelled = objects.filter(
      ({ metadata }) => metadata.labels?.["app.kubernetes.io/instance"] !== "catalyst",
    );
    expect(unlabelled.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([]);
    const unmarked = objectsOf([renders.get("labels and annotations") ?? ""]).filter(
      ({ metadata: { labels, annotations } }) =>
        labels?.team !== "platform" || annotations?.["example.com/owner"] !== "yes",
    );
    expect(unmarked.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([]);
    const kinds = new Set(
      [...(renders.get("everything at once") ?? "").matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind),
    );
    for (const kind of ["Certificate", "Issuer", "ServiceMonitor", "PrometheusRule", "NetworkPolicy", "Pod"])
      expect(kinds).toContain(kind);
  });

  it("leaves out kinds that the cluster does not serve, and refuses a mode that cannot work", async () => {
    const bare = (name: string) => {
      const index = CHART_MATRIX.findIndex(([other]) => other === name);
      return template(join(folder, `values-${index}.yaml`), []);
    };
    expect(await bare("a ServiceMonitor")).not.toContain("kind: ServiceMonitor");
    expect(await bare("alerts")).not.toContain("kind: PrometheusRule");
    await expect(bare("cert-manager with a CA of the chart")).rejects.toThrow("install cert-manager first");
  });

  it("conforms to the API server's own OpenAPI", async () => {
    const schemas = join(folder, "schemas");
    const openApi = await client.request<Parameters<typeof writeKindSchemas>[0]>({
      method: "GET",
      path: "/openapi/v2",
    });
    expect(writeKindSchemas(openApi, schemas)).toBeGreaterThan(100);
    const manifests = join(folder, "manifests");
    mkdirSync(manifests);
    for (const [index, object] of objects.entries())
      writeFileSync(join(manifests, `${index}.json`), JSON.stringify(object));
    // For a core kind, kubeconform's `Group` is the version.
    const location = `${schemas}/{{ .ResourceKind }}-{{ .Group }}-{{ .ResourceAPIVersion }}.json`;
    const report = await run("kubeconform", [
      ...["-strict", "-summary", "-output", "json", "-n", "2"],
      ...["-schema-location", location],
      manifests,
    ]);
    const { summary } = JSON.parse(report) as { summary: Record<string, number> };
    expect(summary).toMatchObject({ invalid: 0, errors: 0, skipped: 0, valid: objects.length });
  });

  it("is accepted by the API server in a dry run", async () => {
    const file = join(folder, "all.json");
    const name = ({ kind, metadata }: KubernetesObject) => `${kind}/${metadata.namespace}/${metadata.name}`;
    // kubectl accepts each object once in a run, so variants of one object are sent in separate runs.
    const rounds: KubernetesObject[][] = [];
    for (const object of objects) {
      const free = rounds.find((round) => !round.some((other) => name(other) === name(object)));
      if (free === undefined) rounds.push([object]);
      else free.push(object);
    }
    for (const round of rounds) {
      writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: round }));
      await run("kubectl", [
        ...["apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename", file],
      ]);
    }
    process.stdout.write(
      `the chart's matrix: ${CHART_MATRIX.length} combinations of values, ${objects.length} different objects\n`,
    );
    expect(objects.length).toBeGreaterThan(100);
  });
});

/** The values with the digest, which every installation sets. */
function merged(values: Record<string, unknown>): object {
  const image = { digest: DIGEST, ...(values.image as object | undefined) };
  return { ...values, image };
}
