import { describe, expect, it } from "vitest";
import { isInstallerGroup } from "../../../../src/admission/rules/install-source.ts";
import {
  creation,
  type Denial,
  deletion,
  expected,
  facts,
  request,
  violationsOf,
} from "../../../support/builder/admission-request.ts";
import {
  DIGEST,
  foreign,
  HELM,
  NO_ACCOUNT,
  NO_CHART_REF,
  NO_URL,
  NOT_PINNED,
  OCI,
  release,
  repository,
  VERIFY,
} from "../../../support/builder/install-source.ts";

describe("the rules for install sources", () => {
  it.each([
    { group: "source.toolkit.fluxcd.io", resource: "gitrepositories" },
    { group: "source.toolkit.fluxcd.io", resource: "helmcharts" },
    { group: "kustomize.toolkit.fluxcd.io", resource: "kustomizations" },
    { group: "image.toolkit.fluxcd.io", resource: "imageupdateautomations" },
    { group: "notification.toolkit.fluxcd.io", resource: "receivers" },
    { group: "future.toolkit.fluxcd.io", resource: "things" },
    { group: "infra.contrib.fluxcd.io", resource: "terraforms" },
    { group: "fluxcd.controlplane.io", resource: "resourcesets" },
    { group: "argoproj.io", resource: "applications" },
    { group: "argoproj.io", resource: "workflows" },
    { group: "pkg.crossplane.io", resource: "providers" },
    { group: "helm.crossplane.io", resource: "releases" },
    { group: "kappctrl.k14s.io", resource: "apps" },
    { group: "packaging.carvel.dev", resource: "packageinstalls" },
    { group: "fleet.cattle.io", resource: "bundles" },
    { group: "helm.cattle.io", resource: "helmcharts" },
    { group: "k3s.cattle.io", resource: "addons" },
    { group: "operators.coreos.com", resource: "subscriptions" },
    { group: "config.projectsveltos.io", resource: "profiles" },
    { group: "policy.karmada.io", resource: "propagationpolicies" },
    { group: "work.open-cluster-management.io", resource: "manifestworks" },
    { group: OCI.group, resource: OCI.resource, subresource: "status" },
    { group: HELM.group, resource: HELM.resource, subresource: "status" },
  ])("deny $resource of $group", (kind) => {
    const message = `only the platform may use ${kind.resource}; install with a HelmRelease and an OCIRepository that names a digest`;
    const path = `${kind.resource}/x${kind.subresource === undefined ? "" : `/${kind.subresource}`}`;
    for (const input of [creation(kind), request(kind), deletion(kind)])
      expect(violationsOf(input)).toEqual([{ rule: "install-source", path, message }]);
  });

  it.each(["apps", "example.com", "toolkit.fluxcd.io.example.com", "evilargoproj.io", "cert-manager.io"])(
    "leave the group %s alone",
    (group) => expect(isInstallerGroup(group)).toBe(false),
  );

  it.each<Denial>([
    [
      "an OCIRepository by tag, over plain HTTP",
      creation({ ...OCI, object: repository({ ref: { tag: "1" }, insecure: true }) }),
      facts(),
      [...NOT_PINNED],
      ["oci-repository-insecure", "spec.insecure", "artifacts must be fetched over TLS; remove this field"],
    ],
    [
      "an OCIRepository without spec",
      creation({ ...OCI, object: { kind: "OCIRepository" } }),
      facts(),
      [...NO_URL],
      [...NOT_PINNED],
    ],
    [
      "an OCIRepository without its object",
      creation({ ...OCI, object: undefined }),
      facts(),
      [...NO_URL],
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
    [
      "an OCIRepository over HTTP",
      creation({
        ...OCI,
        object: repository({ url: "https://registry.test/shop", ref: { digest: DIGEST } }),
      }),
      facts(),
      [...NO_URL],
    ],
    [
      "an OCIRepository that Flux verifies with a user's key",
      creation({
        ...OCI,
        object: repository({
          ref: { digest: DIGEST },
          verify: { provider: "cosign", secretRef: { name: "mine" } },
        }),
      }),
      facts(),
      [...VERIFY],
    ],
    [
      "an OCIRepository that Flux verifies without a key",
      creation({ ...OCI, object: repository({ ref: { digest: DIGEST }, verify: { provider: "cosign" } }) }),
      facts(),
      [...VERIFY],
    ],
    [
      "a HelmRelease without spec",
      creation({ ...HELM, object: { spec: 1 } }),
      facts(),
      [...NO_CHART_REF],
      [...NO_ACCOUNT],
    ],
    [
      "a HelmRelease with an empty account",
      creation({ ...HELM, object: release({ serviceAccountName: "" }) }),
      facts(),
      [...NO_ACCOUNT],
    ],
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
        "the OCIRepository must be in namespace shop; remove this field",
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
        object: release({
          chart: {},
          kubeConfig: {},
          postRenderers: [],
          valuesFrom: [],
          commonMetadata: {},
          install: { crds: "CreateReplace" },
          upgrade: { crds: "CreateReplace" },
        }),
      }),
      facts(),
      ["helm-release", "spec.chart", "the chart must come from an OCIRepository; use spec.chartRef instead"],
      [
        "helm-release",
        "spec.kubeConfig",
        "a HelmRelease may install only into its own cluster; remove this field",
      ],
      [
        "helm-release",
        "spec.postRenderers",
        "post-renderers change what the signed chart installs; remove this field",
      ],
      [
        "helm-release",
        "spec.valuesFrom",
        "values from Secrets and ConfigMaps change without being reviewed; write them in spec.values",
      ],
      [
        "helm-release",
        "spec.commonMetadata",
        "common metadata would change labels and annotations of every object; remove this field",
      ],
      [
        "helm-release",
        "spec.install.crds",
        "only the platform replaces CustomResourceDefinitions; set this field to Skip",
      ],
      [
        "helm-release",
        "spec.upgrade.crds",
        "only the platform replaces CustomResourceDefinitions; set this field to Skip",
      ],
    ],
    [
      "an OCIRepository that leaves files out",
      creation({ ...OCI, object: repository({ ref: { digest: DIGEST }, ignore: "" }) }),
      facts(),
      [
        "oci-repository-ignore",
        "spec.ignore",
        "Flux must install the whole signed artifact; remove this field",
      ],
    ],
    [
      "a HelmRelease that waits for releases of another namespace",
      creation({
        ...HELM,
        object: release({
          dependsOn: [{ name: "a" }, { name: "b", namespace: "globex" }, { namespace: "shop" }],
        }),
      }),
      facts(),
      [
        "helm-release",
        "spec.dependsOn[1].namespace",
        "the release must be in namespace shop; remove this field",
      ],
    ],
    [
      "a HelmRelease of an OCIRepository that names no digest",
      creation({ ...HELM, object: release() }),
      facts({ chartSource: repository({ ref: { tag: "1.0.0" } }) }),
      [
        "helm-release",
        "spec.chartRef.name",
        "the OCIRepository must name its artifact by digest; set its spec.ref.digest to sha256:<64 hex>",
      ],
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
          values: { image: { tag: "1" }, imagePullSecrets: ["pull"] },
          install: { crds: "Skip" },
        }),
      }),
    ],
    ["deleting a HelmRelease", deletion({ ...HELM, object: release({ kubeConfig: {} }) })],
    ["ocirepositories of another API group", creation({ ...OCI, group: "example.com" })],
    ["helmreleases of another API group", creation({ ...HELM, group: "example.com" })],
    [
      "an OCIRepository that Flux verifies with the platform's keys",
      creation({
        ...OCI,
        object: repository({
          ref: { digest: DIGEST },
          verify: { provider: "cosign", secretRef: { name: "catalyst-trust" } },
        }),
      }),
    ],
  ])("allow %s", (_, input) => expect(violationsOf(input)).toEqual([]));
});
