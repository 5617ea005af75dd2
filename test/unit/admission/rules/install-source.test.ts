import { describe, expect, it } from "vitest";
import { INSTALL_SOURCES } from "../../../../src/admission/rules/install-source.ts";
import { artifactsToCheck } from "../../../../src/admission/rules/rule-list.ts";
import {
  creation,
  type Denial,
  deletion,
  expected,
  facts,
  request,
  violationsOf,
} from "../../../support/builder/admission-request.ts";

const DIGEST = `sha256:${"0a".repeat(32)}`;
const OCI = { group: "source.toolkit.fluxcd.io", resource: "ocirepositories" };
const HELM = { group: "helm.toolkit.fluxcd.io", resource: "helmreleases" };
const repository = (spec: object) => ({ kind: "OCIRepository", spec });
const release = (spec: object = {}) => ({
  kind: "HelmRelease",
  spec: { chartRef: { kind: "OCIRepository", name: "shop" }, ...spec },
});
const NOT_PINNED = [
  "oci-repository-digest",
  "spec.ref.digest",
  "the artifact must be pinned by digest: set this field to sha256:<64 hex>",
] as const;
const NO_CHART_REF = [
  "helm-release",
  "spec.chartRef",
  "the chart must come from an OCIRepository: set kind to OCIRepository, and its name",
] as const;
const choosesImage = (path: string) =>
  [
    "helm-release",
    path,
    "values may not choose images, because the signature covers only the chart's own: remove it",
  ] as const;
const foreign = (field: string) =>
  [
    "helm-release",
    `spec.${field}`,
    "a HelmRelease may install only into its own namespace shop: remove this field",
  ] as const;

describe("the rules for install sources", () => {
  it.each(
    Object.entries(INSTALL_SOURCES)
      .flatMap(([group, resources]) => resources.map((resource) => ({ group, resource })))
      .filter(({ resource }) => ![OCI.resource, HELM.resource].includes(resource)),
  )("deny $resource of $group", (kind) => {
    const message = `only the platform may use ${kind.resource}: install with a HelmRelease and an OCIRepository that names a digest`;
    for (const input of [creation(kind), request(kind), deletion(kind)])
      expect(violationsOf(input)).toEqual([{ rule: "install-source", path: `${kind.resource}/x`, message }]);
  });

  it("cover Flux, Argo CD and Crossplane", () => {
    expect(INSTALL_SOURCES).toEqual({
      "source.toolkit.fluxcd.io": [
        "helmcharts",
        "helmrepositories",
        "gitrepositories",
        "buckets",
        "externalartifacts",
        "ocirepositories",
      ],
      "kustomize.toolkit.fluxcd.io": ["kustomizations"],
      "fluxcd.controlplane.io": ["resourcesets", "resourcesetinputproviders", "fluxinstances"],
      "argoproj.io": ["applications", "applicationsets", "appprojects"],
      "pkg.crossplane.io": [
        "providers",
        "configurations",
        "functions",
        "providerrevisions",
        "configurationrevisions",
        "functionrevisions",
      ],
      "helm.toolkit.fluxcd.io": ["helmreleases"],
    });
  });

  it.each<Denial>([
    [
      "an OCIRepository by tag, over plain HTTP",
      creation({ ...OCI, object: repository({ ref: { tag: "1" }, insecure: true }) }),
      facts(),
      [...NOT_PINNED],
      ["oci-repository-insecure", "spec.insecure", "artifacts must be fetched over TLS: remove this field"],
    ],
    [
      "an OCIRepository without spec",
      creation({ ...OCI, object: { kind: "OCIRepository" } }),
      facts(),
      [...NOT_PINNED],
    ],
    [
      "an OCIRepository without its object",
      creation({ ...OCI, object: undefined }),
      facts(),
      [...NOT_PINNED],
    ],
    [
      "an OCIRepository whose digest is a list of one",
      creation({ ...OCI, object: repository({ ref: { digest: [DIGEST] } }) }),
      facts(),
      [...NOT_PINNED],
    ],
    [
      "an OCIRepository whose ref is no map",
      creation({ ...OCI, object: repository({ ref: DIGEST }) }),
      facts(),
      [...NOT_PINNED],
    ],
    ...[1, "sha256:abc", `${DIGEST}0`, `x${DIGEST}`, DIGEST.toUpperCase()].map(
      (digest): Denial => [
        `an OCIRepository with the digest ${digest}`,
        request({ ...OCI, object: repository({ ref: { digest } }) }),
        facts(),
        [...NOT_PINNED],
      ],
    ),
    ["a HelmRelease without spec", creation({ ...HELM, object: { spec: 1 } }), facts(), [...NO_CHART_REF]],
    [
      "a HelmRelease with a chartRef that is no map",
      creation({ ...HELM, object: release({ chartRef: "OCIRepository" }) }),
      facts(),
      [...NO_CHART_REF],
    ],
    [
      "a HelmRelease of another source in another namespace",
      creation({ ...HELM, object: release({ chartRef: { kind: "HelmChart", namespace: "other" } }) }),
      facts(),
      [...NO_CHART_REF],
      [
        "helm-release",
        "spec.chartRef.namespace",
        "the OCIRepository must be in namespace shop: remove this field",
      ],
    ],
    [
      "a HelmRelease into other namespaces",
      request({ ...HELM, object: release({ targetNamespace: "other", storageNamespace: "" }) }),
      facts(),
      [...foreign("targetNamespace")],
      [...foreign("storageNamespace")],
    ],
    [
      "a HelmRelease that goes around the signature",
      creation({
        ...HELM,
        object: release({ chart: {}, kubeConfig: {}, serviceAccountName: "x", postRenderers: [] }),
      }),
      facts(),
      ["helm-release", "spec.chart", "the chart must come from an OCIRepository: use spec.chartRef instead"],
      [
        "helm-release",
        "spec.kubeConfig",
        "a HelmRelease may install only into its own cluster: remove this field",
      ],
      [
        "helm-release",
        "spec.serviceAccountName",
        "a HelmRelease may not run as another identity: remove this field",
      ],
      [
        "helm-release",
        "spec.postRenderers",
        "post-renderers change what the signed chart installs: remove this field",
      ],
    ],
    [
      "values that choose images",
      creation({
        ...HELM,
        object: release({
          values: {
            web: { image: "x", replicas: 1 },
            sidecars: [{ name: "a" }, { initImage: { tag: "1" } }],
            Repository: "x",
            global: { imageRegistry: "x", digest: "x" },
            tag: "1",
            TAG: "1",
          },
        }),
      }),
      facts(),
      [...choosesImage("spec.values.web.image")],
      [...choosesImage("spec.values.sidecars[1].initImage")],
      [...choosesImage("spec.values.Repository")],
      [...choosesImage("spec.values.global.imageRegistry")],
      [...choosesImage("spec.values.global.digest")],
      [...choosesImage("spec.values.tag")],
      [...choosesImage("spec.values.TAG")],
    ],
  ])("deny %s", (_, input, known, ...violations) =>
    expect(violationsOf(input, known)).toEqual(expected(violations)),
  );

  it.each([
    ["an OCIRepository by digest", creation({ ...OCI, object: repository({ ref: { digest: DIGEST } }) })],
    [
      "one that says that it is not insecure",
      creation({ ...OCI, object: repository({ ref: { digest: DIGEST }, insecure: false }) }),
    ],
    ["deleting an OCIRepository", deletion({ ...OCI, object: repository({ insecure: true }) })],
    ["a HelmRelease of an OCIRepository", creation({ ...HELM, object: release() })],
    [
      "a HelmRelease that names its own namespace",
      creation({
        ...HELM,
        object: release({
          chartRef: { kind: "OCIRepository", namespace: "shop" },
          targetNamespace: "shop",
          storageNamespace: "shop",
          values: { tags: ["a"], stage: "tagged", replicas: 2, list: [1, "image"], nothing: null },
        }),
      }),
    ],
    ["deleting a HelmRelease", deletion({ ...HELM, object: release({ kubeConfig: {} }) })],
    ["ocirepositories of another API group", creation({ ...OCI, group: "example.com" })],
    ["helmreleases of another API group", creation({ ...HELM, group: "example.com" })],
    ["another kind of Helm's group", creation({ ...HELM, resource: "others" })],
    [
      "gitrepositories of another API group",
      creation({ ...OCI, group: HELM.group, resource: "gitrepositories" }),
    ],
  ])("allow %s", (_, input) => expect(violationsOf(input)).toEqual([]));
});

describe("the artifact of an OCIRepository", () => {
  it.each([
    [
      "of a new one",
      creation({ ...OCI, object: repository({ url: "oci://registry.test/shop", ref: { digest: DIGEST } }) }),
      `oci://registry.test/shop@${DIGEST}`,
    ],
    [
      "of one that does not change",
      request({
        ...OCI,
        oldObject: repository({ url: "oci://registry.test/shop", ref: { digest: DIGEST } }),
        object: repository({ url: "oci://registry.test/shop", ref: { digest: DIGEST } }),
      }),
      `oci://registry.test/shop@${DIGEST}`,
    ],
    [
      "without a digest",
      creation({ ...OCI, object: repository({ url: "oci://registry.test/shop" }) }),
      "oci://registry.test/shop@",
    ],
    ["without anything", creation({ ...OCI, object: {} }), "@"],
  ])("is checked: that %s", (_, input, reference) => {
    expect(artifactsToCheck(input, facts())).toEqual([
      {
        artifact: { reference, use: { kind: "chart" } },
        path: "spec.ref.digest",
        rule: "oci-repository-signature",
      },
    ]);
  });

  it.each([
    ["on deletion", deletion({ ...OCI, object: repository({ url: "oci://a.test/b" }) })],
    ["for another kind", creation({ ...HELM, object: release() })],
  ])("is not checked %s", (_, input) => expect(artifactsToCheck(input, facts())).toEqual([]));
});
