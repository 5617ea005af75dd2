import { describe, expect, it } from "vitest";
import { identityLists } from "../../../../src/admission/rules/identity.ts";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import {
  installedArtifacts,
  isJudgedNamespace,
} from "../../../../src/controllers/installed-artifact/desired-check.ts";

const object = (kind: string, spec: object) =>
  ({ apiVersion: "v1", kind, metadata: { name: "shop", namespace: "team" }, spec }) as KubernetesObject;

describe("installedArtifacts", () => {
  it("has the images of a Pod, of all its containers and volumes", () => {
    const pod = object("Pod", {
      initContainers: [{ image: "one" }],
      containers: [{ image: "two" }],
      ephemeralContainers: [{ image: "three" }],
      volumes: [{ image: { reference: "four" } }],
    });
    const found = installedArtifacts(pod).map(({ path, artifact }) => [
      path,
      artifact.reference,
      artifact.use.kind,
    ]);
    expect(found.toSorted()).toEqual([
      ["spec.containers[0].image", "two", "image"],
      ["spec.ephemeralContainers[0].image", "three", "image"],
      ["spec.initContainers[0].image", "one", "image"],
      ["spec.volumes[0].image.reference", "four", "image"],
    ]);
  });

  it("has the chart of an OCIRepository, also when it is not pinned", () => {
    const chart = (spec: object) => installedArtifacts(object("OCIRepository", spec));
    const digest = `sha256:${"a".repeat(64)}`;
    expect(chart({ url: "oci://registry.test/shop", ref: { digest } })).toEqual([
      {
        path: "spec.ref.digest",
        artifact: { reference: `oci://registry.test/shop@${digest}`, use: { kind: "chart" } },
      },
    ]);
    expect(chart({}).map(({ artifact }) => artifact.reference)).toEqual(["@"]);
  });
});

describe("isJudgedNamespace", () => {
  it.each<[boolean, string, Record<string, string>]>([
    [true, "team", {}],
    [true, "org-acme", { "catalyst.openova.io/organization": "acme" }],
    [
      true,
      "acme-dev",
      { "catalyst.openova.io/organization": "acme", "catalyst.openova.io/environment": "dev" },
    ],
    [false, "kube-system", {}],
    [false, "catalyst-system", {}],
    [false, "cert-manager", {}],
    [false, "catalog", {}],
    [false, "sovereign-omantel", { "catalyst.openova.io/sovereign": "omantel" }],
  ])("is %s for %s", (expected, name, labels) => {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
    expect(isJudgedNamespace(namespace, identityLists())).toBe(expected);
  });
});
