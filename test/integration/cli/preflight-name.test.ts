import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { KINDS } from "../../../src/api/kind-list.ts";
import { metadataOf, usePreflightBench } from "../../support/process/preflight-bench.ts";
import { prepareCluster } from "../../support/server/webhook-replica.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const releaseOf = (name: string) => ({ "meta.helm.sh/release-name": name });

/** This webhook matches no request, so it does not affect other tests. */
const WEBHOOK = {
  name: "a.example.org",
  admissionReviewVersions: ["v1"],
  sideEffects: "None",
  clientConfig: { url: "https://127.0.0.1:1/" },
};

describe("the names that catalyst preflight checks", () => {
  const bench = usePreflightBench();
  const { run, post, patch } = bench;
  beforeAll(() => prepareCluster(bench.client));

  it("finds names that are in use, and objects that a removed installation left", async () => {
    const admission = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    await post("/api/v1/namespaces", { metadata: { name: "catalog" } });
    await post("/api/v1/namespaces/catalyst-system/configmaps", metadataOf("catalyst-trust"));
    await post(admission, { ...metadataOf("catalyst-operator"), webhooks: [WEBHOOK] });
    const left = (await run()).output;
    expect(left).toContain("is left of an installation that is gone: it refuses requests\n");
    expect(left).toContain("ok           names         namespace catalog exists, and is used as it is\n");
    expect(left).toContain(
      "ConfigMap catalyst-trust exists, and is used as it is while the chart's value trust is empty\n",
    );
    const handOver = (from: string) =>
      expect.stringMatching(
        new RegExp(
          `problem +names +CustomResourceDefinition sovereigns.catalyst.openova.io exists, of ${from}, and may differ from that of this version\n +hand it over, its objects stay: kubectl annotate --overwrite crd sovereigns.catalyst.openova.io meta.helm.sh/release-name=catalyst-operator meta.helm.sh/release-namespace=catalyst-system && kubectl label --overwrite crd sovereigns.catalyst.openova.io app.kubernetes.io/managed-by=Helm\n`,
        ),
      );
    expect(left).toEqual(handOver("no release"));
    expect(left).toContain("problem      certificates  the webhook configuration has no authority\n");
    const annotate = async (digestOf: (plural: string) => string) => {
      for (const { plural } of KINDS)
        await patch(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.catalyst.openova.io`, {
          metadata: {
            annotations: { "catalyst.openova.io/definition": digestOf(plural), ...releaseOf("earlier") },
          },
        });
    };
    await annotate(() => "of another version");
    const other = await run();
    expect(other.output).toEqual(handOver("release earlier"));
    expect(other.code).toBe(1);

    // The chart computes the digest of the same file.
    await annotate((plural) =>
      createHash("sha256")
        .update(
          readFileSync(join("charts/catalyst-operator/definitions", `${plural}.catalyst.openova.io.yaml`)),
        )
        .digest("hex"),
    );
    const { output } = await run();
    expect(output).toContain("exists, of release earlier, and is the same as that of this version\n");
    expect(output).not.toContain("hand it over");
  });

  it("distinguishes an upgrade from a second installation", async () => {
    await post(`${RBAC}/clusterroles`, { ...metadataOf("catalyst-operator"), rules: [] });
    expect((await run()).output).toContain(
      "problem      names         ClusterRole catalyst-operator exists and is not of release catalyst-operator\n",
    );
    await patch(`${RBAC}/clusterroles/catalyst-operator`, { metadata: { annotations: releaseOf("ours") } });
    const containers = [
      { name: "operator", image: "example.org/app:1", env: [{ name: "WEBHOOK_CERT_DIR" }] },
    ];
    await post("/apis/apps/v1/namespaces/catalyst-system/deployments", {
      metadata: { name: "catalyst-operator", annotations: releaseOf("ours") },
      spec: {
        selector: { matchLabels: { app: "a" } },
        template: { metadata: { labels: { app: "a" } }, spec: { containers } },
      },
    });
    expect((await run()).output).toContain("the operator is installed already, by release ours\n");
    const { output } = await run("--release", "ours");
    expect(output).toContain("release ours is installed: this is an upgrade\n");
    expect(output).not.toContain("is not of release");
    await patch("/apis/apps/v1/namespaces/catalyst-system/deployments/catalyst-operator", {
      metadata: { annotations: { "meta.helm.sh/release-name": null } },
    });
    expect((await run("--release", "ours")).output).toContain("by something that is no Helm release\n");
  });

  it("finds a namespace and a definition that are being deleted", async () => {
    const metadata = { name: "catalog-sovereign", finalizers: ["example.org/held"] };
    const definition =
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/franchises.catalyst.openova.io";
    await post("/api/v1/namespaces", { metadata });
    await patch(definition, { metadata: { finalizers: metadata.finalizers } });
    for (const path of ["/api/v1/namespaces/catalog-sovereign", definition])
      await bench.client.request({ method: "DELETE", path });
    const { code, output } = await run("--release", "earlier");
    expect(code).toBe(1);
    expect(output).toMatch(
      /^problem +names +CustomResourceDefinition franchises\.\S+ is being deleted, since \S+\n +wait until it is gone; catalyst uninstall says what holds it up$/m,
    );
    expect(output).toMatch(/^problem +names +Namespace catalog-sovereign is being deleted, since /m);
    await patch("/api/v1/namespaces/catalog-sovereign", { metadata: { finalizers: [] } });
  });
});
