import { at, create, type KyvernoCase, product, rule } from "./kyverno-case-builder.ts";
import { PLACES } from "./kyverno-place-case.ts";
import { PODS } from "./kyverno-pod-case.ts";
import { blueprint, helmRelease, named, ociRepository, role, secret } from "./red-team/object.ts";

const PRODUCT: readonly KyvernoCase[] = [
  create("platform-kind", "writes an EnvironmentPolicy", at("shop", product("EnvironmentPolicy"))),
  create("blueprint-namespace", "keeps a Blueprint elsewhere", at("shop", blueprint("a")), "omantel"),
  create(
    "blueprint-visibility",
    "lists a Blueprint",
    at("catalog-sovereign", blueprint("a", { visibility: "listed" })),
    "omantel",
  ),
  create(undefined, "keeps a private Blueprint", at("catalog-sovereign", blueprint("a")), "omantel"),
];

const INSTALLS: readonly KyvernoCase[] = [
  create(
    "install-source",
    "installs by a Kustomization",
    at("shop", named("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "a", { spec: {} })),
  ),
  create(
    "install-source",
    "installs by an Application",
    at("shop", named("argoproj.io/v1alpha1", "Application", "a", { spec: {} })),
  ),
  create("oci-repository-digest", "installs a tag", at("shop", ociRepository("a", { ref: { tag: "1" } }))),
  create("oci-repository-digest", "installs from HTTP", at("shop", ociRepository("a", { url: "https://a" }))),
  create(
    "oci-repository-insecure",
    "installs without TLS",
    at("shop", ociRepository("a", { insecure: true })),
  ),
  create(
    "oci-repository-verify",
    "verifies with its own key",
    at("shop", ociRepository("a", { verify: { provider: "cosign", secretRef: { name: "mine" } } })),
  ),
  create("oci-repository-ignore", "leaves out a part", at("shop", ociRepository("a", { ignore: "/*" }))),
  create(
    "helm-release-secret",
    "forges a release",
    at("shop", secret("sh.helm.release.v1.a", { type: "helm.sh/release.v1" })),
  ),
  create(
    "helm-release-secret",
    "forges a release of another type",
    at("shop", secret("sh.helm.release.v1.a")),
  ),
  create(
    "helm-release-secret",
    "forges a release of another name",
    at("shop", secret("a", { metadata: { labels: { owner: "helm" } } })),
  ),
  create(
    undefined,
    "stores a release by helm-controller",
    at("shop", secret("sh.helm.release.v1.a", { type: "helm.sh/release.v1" })),
    "ordinaryAccount",
  ),
  create(undefined, "installs a digest", at("shop", ociRepository("a"))),
  ...Object.entries({
    "without a ServiceAccount": { serviceAccountName: undefined },
    "from a HelmRepository": { chartRef: undefined, chart: {} },
    "from another namespace": { chartRef: { kind: "OCIRepository", name: "a", namespace: "flux-system" } },
    "into another namespace": { targetNamespace: "kube-system" },
    "into another cluster": { kubeConfig: { secretRef: { name: "a" } } },
    "with post-renderers": { postRenderers: [] },
    "with values from a Secret": { valuesFrom: [] },
    "with labels": { commonMetadata: {} },
    "after a release elsewhere": { dependsOn: [{ name: "a", namespace: "kube-system" }] },
    "with CustomResourceDefinitions": { upgrade: { crds: "CreateReplace" } },
  }).map(([what, spec]) => create("helm-release", `installs ${what}`, at("shop", helmRelease("a", spec)))),
  create(undefined, "installs a signed chart", at("shop", helmRelease("a"))),
];

const ROLES: readonly KyvernoCase[] = [
  ...(
    [
      ["", "users", "impersonate"],
      ["rbac.authorization.k8s.io", "roles", "bind"],
      ["*", "clusterroles", "*"],
      ["", "serviceaccounts/token", "create"],
      ["*", "*", "*"],
    ] as const
  ).map(([group, resource, verb]) =>
    create(
      "rbac-escalation",
      `grants ${verb} on ${resource}`,
      at("shop", role("a", rule(group, resource, verb))),
    ),
  ),
  create(undefined, "grants a read of Pods", at("shop", role("a", rule("", "pods", "get")))),
  create(
    "workload-revision",
    "writes a ControllerRevision",
    at("shop", named("apps/v1", "ControllerRevision", "a", { revision: 1 })),
  ),
];

export const KYVERNO_CASES: readonly KyvernoCase[] = [...PLACES, ...PRODUCT, ...INSTALLS, ...ROLES, ...PODS];
