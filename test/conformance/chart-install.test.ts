import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { BILLING_RELEASE } from "../../src/api/billing-release.ts";
import type { KubernetesObject } from "../../src/api/object.ts";
import { createKubeClient, type KubeClient } from "../../src/kube/client.ts";
import { DEPLOYMENTS, resourceOf } from "../../src/kube/resource.ts";
import { findHeldDefinitions } from "../../src/operator/definition-deletion.ts";
import { release } from "../support/builder/catalyst-object.ts";
import { runTool } from "../support/process/tool.ts";
import { startTestControlPlane, type TestControlPlane } from "../support/server/kube-apiserver.ts";
import { eventually } from "../support/wait.ts";
import { adoptionCommands, type Deployment, helm, RELEASE, TOOLS } from "./helm-chart.ts";

describe("helm install", () => {
  let plane: TestControlPlane;
  let client: KubeClient;
  const run = (...args: string[]) => helm(args, plane.kubeconfigPath);
  const get = (path: string) => client.request<KubernetesObject>({ method: "GET", path });

  beforeAll(async () => {
    plane = await startTestControlPlane("real");
    client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "chart-test" });
  }, 180_000);
  afterAll(async () => {
    await client?.close();
    await plane?.close();
  });

  it("installs everything that the operator needs, the CRDs first", async () => {
    await run("install", ...RELEASE, "--create-namespace", "--set", "trust.trust[0].publicKey=pem");
    const crd = await get(
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sovereigns.catalyst.openova.io",
    );
    expect(crd.metadata.uid).toBeDefined();
    const deployment = await client.get<Deployment>(DEPLOYMENTS, {
      name: "catalyst-operator",
      namespace: "catalyst-system",
    });
    expect(deployment?.spec.replicas).toBe(2);
    const trust = (await get("/api/v1/namespaces/catalyst-system/configmaps/catalyst-trust")) as unknown as {
      data: Record<string, string>;
    };
    expect(trust.data["trust.yaml"]).toContain("publicKey: pem");
    await get("/api/v1/namespaces/catalog-sovereign");
  }, 180_000);

  it("upgrades a CRD, and keeps the objects that were stored under the earlier one", async () => {
    const path =
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/billingreleases.catalyst.openova.io";
    const columns = async () => {
      const { spec } = (await get(path)) as unknown as {
        spec: { versions: [{ additionalPrinterColumns: { name: string }[] }] };
      };
      return spec.versions[0].additionalPrinterColumns.map(({ name }) => name);
    };
    const [name = "", chart = "", ...options] = RELEASE;
    const earlier = join(mkdtempSync(join(tmpdir(), "catalyst-chart-")), "chart");
    cpSync(chart, earlier, { recursive: true, dereference: true });
    const file = join(earlier, "definitions/billingreleases.catalyst.openova.io.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("- name: Phase", "- name: Earlier"));
    await run("upgrade", name, earlier, ...options);
    expect(await columns()).toContain("Earlier");
    await client.create(resourceOf(BILLING_RELEASE), { ...release(), metadata: { name: "kept" } });

    await run("upgrade", ...RELEASE);
    expect(await columns()).toEqual(BILLING_RELEASE.printerColumns.map((column) => column.name));
    const kept = await client.get<KubernetesObject>(resourceOf(BILLING_RELEASE), { name: "kept" });
    expect(kept?.metadata.uid).toBeDefined();
    rmSync(dirname(earlier), { recursive: true });
  }, 180_000);

  it("goes back to the earlier CRD in a rollback, and keeps the objects that were stored under each", async () => {
    const crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/billingreleases.catalyst.openova.io";
    const [name = "", chart = "", ...options] = RELEASE;
    const next = join(mkdtempSync(join(tmpdir(), "catalyst-chart-")), "chart");
    cpSync(chart, next, { recursive: true, dereference: true });
    const file = join(next, "definitions/billingreleases.catalyst.openova.io.yaml");
    const definition = parse(readFileSync(file, "utf8"));
    const [version] = definition.spec.versions;
    const { properties } = version.schema.openAPIV3Schema.properties.spec;
    // A field with a default, a changed description, and another column.
    properties.note = { type: "string", maxLength: 64, default: "none" };
    version.additionalPrinterColumns.push({ name: "Note", type: "string", jsonPath: ".spec.note" });
    writeFileSync(file, stringify(definition));

    type Release = KubernetesObject & { spec: { note?: string; version?: string }; status?: object };
    const stored = async (object: string) =>
      (await client.get<Release>(resourceOf(BILLING_RELEASE), { name: object })) as Release;
    const create = (object: string, note?: string) =>
      client.create(resourceOf(BILLING_RELEASE), {
        ...release(),
        metadata: { name: object },
        spec: { ...release().spec, ...(note === undefined ? {} : { note }) },
      } as KubernetesObject);
    const change = (object: string, version: string) =>
      client.mergePatch(resourceOf(BILLING_RELEASE), { name: object }, { spec: { version } });

    await create("before");
    const status = { phase: "Complete", observedGeneration: 1 };
    await client.mergePatch(resourceOf(BILLING_RELEASE), { name: "before" }, { status }, "status");
    const before = await stored("before");
    await run("upgrade", name, next, ...options);
    expect(JSON.stringify(await get(crd))).toContain('"note"');
    // The API server follows a changed definition within a second or so.
    await eventually(async () => expect((await stored("before")).spec.note).toBe("none"));
    await create("during", "new");
    await change("before", "2");

    await run("rollback", name, "--namespace", "catalyst-system");
    expect(JSON.stringify(await get(crd))).not.toContain('"note"');
    await eventually(async () => expect((await stored("during")).spec.note).toBeUndefined());
    const after = await stored("before");
    expect(after).toMatchObject({ metadata: { uid: before.metadata.uid }, status });
    expect(after.spec).toEqual({ ...before.spec, version: "2" });
    for (const object of ["before", "during"]) {
      await change(object, "3");
      expect((await stored(object)).spec.version).toBe("3");
    }
    rmSync(dirname(next), { recursive: true });
  }, 180_000);

  it("changes nothing in an upgrade to the same chart, and keeps CRDs and catalogs after an uninstall", async () => {
    const path = "/apis/apps/v1/namespaces/catalyst-system/deployments/catalyst-operator";
    const before = await get(path);
    await run("upgrade", ...RELEASE);
    expect((await get(path)).metadata.generation).toBe(before.metadata.generation);
    await run("uninstall", "catalyst-operator", "--namespace", "catalyst-system");
    await expect(get(path)).rejects.toThrow();
    await get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sovereigns.catalyst.openova.io");
    await get("/api/v1/namespaces/catalog");
  }, 180_000);

  it("replaces a trust ConfigMap that kubectl created, after the command in the refusal hands it over", async () => {
    const kubectl = (...args: string[]) =>
      runTool(join(TOOLS, "kubectl"), args, { env: { KUBECONFIG: plane.kubeconfigPath } });
    const trust = ["configmap", "catalyst-trust", "--namespace", "catalyst-system"];
    await kubectl("create", ...trust, "--from-literal=trust.yaml=trust: []");
    await run("install", ...RELEASE);
    const upgrade = ["upgrade", ...RELEASE, "--set", "trust.trust[0].publicKey=pem"];
    const refusal = await run(...upgrade).catch((error: Error) => error.message);
    expect(refusal).toContain("If Helm 4 then reports a conflict");
    for (const args of adoptionCommands(refusal)) await kubectl(...args);
    await expect(run(...upgrade)).rejects.toThrow('conflict with "kubectl-create"');
    await run(...upgrade, "--force-conflicts");
    expect(await kubectl("get", ...trust, "--output", "yaml")).toContain("publicKey: pem");
  }, 180_000);

  it("deletes the CRDs and their objects in an uninstall when crds.keep is false, and says what holds one up", async () => {
    await run("upgrade", ...RELEASE, "--set", "crds.keep=false", "--force-conflicts");
    await client.create(resourceOf(BILLING_RELEASE), {
      ...release(),
      metadata: { name: "lost", finalizers: ["example.com/held"] },
    });
    await run("uninstall", "catalyst-operator", "--namespace", "catalyst-system");
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    const kept = () =>
      client
        .request<{ items: KubernetesObject[] }>({ method: "GET", path })
        .then(({ items }) => items.filter(({ metadata }) => metadata.deletionTimestamp === undefined));
    const { signal } = new AbortController();
    const held = () => findHeldDefinitions(client, { timeoutMs: 0, signal });
    const heldUp =
      /^CustomResourceDefinition billingreleases.* is not deleted yet, since .*; Terminating=True \(Instance.*; it still has lost with finalizer example.com\/held$/;
    await eventually(async () => expect(await held()).toContainEqual(expect.stringMatching(heldUp)), 60_000);
    await expect(run("install", ...RELEASE)).rejects.toThrow(
      /CustomResourceDefinition \S+ is being deleted, since [\s\S]*kubectl get customresourcedefinition/,
    );
    await client.mergePatch(resourceOf(BILLING_RELEASE), { name: "lost" }, { metadata: { finalizers: [] } });
    // A busy API server retries with growing pauses. A CRD that it still has to delete then has no object left.
    const heldByObjects = async () => (await held()).filter((text) => !text.endsWith("no object is left"));
    await eventually(async () => expect(await heldByObjects()).toEqual([]), 240_000);
    expect(await kept()).toEqual([]);
  }, 360_000);

  it("refuses an upgrade with --reuse-values from a chart without some values, and keeps a person's with --reset-then-reuse-values", async () => {
    const folder = mkdtempSync(join(tmpdir(), "catalyst-chart-"));
    const earlier = join(folder, "catalyst-operator");
    mkdirSync(join(earlier, "templates"), { recursive: true });
    writeFileSync(
      join(earlier, "Chart.yaml"),
      "apiVersion: v2\nname: catalyst-operator\nversion: 0.0.1\nappVersion: 0.0.1\n",
    );
    writeFileSync(
      join(earlier, "values.yaml"),
      "replicas: 2\nimage: { repository: example.org/catalyst, digest: '' }\n",
    );
    const [name = "", chart = "", ...options] = RELEASE;
    await run("install", name, earlier, ...options, "--set", "replicas=3");
    const upgrade = ["upgrade", name, chart, "--namespace", "catalyst-system"];
    await expect(run(...upgrade, "--reuse-values")).rejects.toThrow(/missing properties .*'controlPlane'/);
    // The definitions of the test before may not be gone yet.
    await run(...upgrade, "--reset-then-reuse-values", "--set", "crds.enabled=false");
    const deployment = await client.get<Deployment>(DEPLOYMENTS, {
      name: "catalyst-operator",
      namespace: "catalyst-system",
    });
    expect(deployment?.spec.replicas).toBe(3);
    rmSync(folder, { recursive: true });
  }, 180_000);
});
