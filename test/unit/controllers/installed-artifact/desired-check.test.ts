import { describe, expect, it } from "vitest";
import { identityLists } from "../../../../src/admission/rules/identity.ts";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import {
  forbiddenInstall,
  installedArtifacts,
  isJudgedNamespace,
} from "../../../../src/controllers/installed-artifact/desired-check.ts";
import {
  HELM_RELEASES,
  KUSTOMIZATIONS,
  OCI_REPOSITORIES,
  PODS,
  type Resource,
} from "../../../../src/kube/resource.ts";

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

describe("forbiddenInstall", () => {
  const [OCI_REPOSITORY = PODS] = OCI_REPOSITORIES;
  const digest = `sha256:${"a".repeat(64)}`;
  const repository = (spec: object) => object("OCIRepository", spec);
  const pinned = repository({ url: "oci://registry.test/shop", ref: { digest } });
  const release = (spec: object) =>
    object("HelmRelease", {
      chartRef: { kind: "OCIRepository", name: "shop" },
      serviceAccountName: "robot",
      ...spec,
    });

  it.each<[string, KubernetesObject, Resource, string[]]>([
    ["a Pod", object("Pod", {}), PODS, []],
    ["an OCIRepository by digest", pinned, OCI_REPOSITORY, []],
    ["a release of its chart", release({}), HELM_RELEASES, []],
    [
      "an OCIRepository by tag",
      repository({ url: "oci://registry.test/shop", ref: { tag: "latest" } }),
      OCI_REPOSITORY,
      [
        "oci-repository-digest: spec.ref.digest: the artifact must be pinned by digest; set this field to sha256:<64 hex>",
      ],
    ],
    [
      "a release with foreign namespaces",
      release({ targetNamespace: "other", storageNamespace: "team" }),
      HELM_RELEASES,
      ["helm-release: spec.targetNamespace: a release must stay in namespace team; remove this field"],
    ],
    [
      "a Kustomization",
      object("Kustomization", {}),
      KUSTOMIZATIONS,
      [
        "install-source: kustomizations/shop: only the platform may use kustomizations; install with a HelmRelease and an OCIRepository that names a digest",
      ],
    ],
  ])("returns what the rules refuse about %s", (_which, installed, resource, expected) => {
    const found = forbiddenInstall(installed, resource, [pinned]);
    expect(found.map(({ rule, path, message }) => `${rule}: ${path}: ${message}`)).toEqual(expected);
  });

  it("judges a release by the OCIRepository that it names", () => {
    const byTag = repository({ url: "oci://registry.test/shop", ref: { tag: "latest" } });
    const other = { ...byTag, metadata: { ...byTag.metadata, name: "other" } };
    const paths = (repositories: KubernetesObject[]) =>
      forbiddenInstall(release({}), HELM_RELEASES, repositories).map(({ path }) => path);
    expect(paths([byTag])).toEqual(["spec.chartRef.name"]);
    expect(paths([other])).toEqual([]);
  });

  it("does not fail on objects that no schema has checked", () => {
    const broken = { ...object("HelmRelease", []), spec: "text" } as KubernetesObject;
    expect(forbiddenInstall(broken, HELM_RELEASES, []).map(({ path }) => path)).toEqual([
      "spec.chartRef",
      "spec.serviceAccountName",
    ]);
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
