import {
  at,
  container,
  create,
  event,
  type KyvernoCase,
  lease,
  ownedPod,
  product,
  remove,
  rule,
  unique,
  update,
} from "./kyverno-case-builder.ts";
import {
  blueprint,
  clusterRole,
  configMap,
  cronJob,
  deployment,
  helmRelease,
  LABEL_PREFIX,
  named,
  namespace,
  ociRepository,
  pod,
  role,
  SIGNED,
  secret,
} from "./red-team/object.ts";

const PLACES: readonly KyvernoCase[] = [
  create("platform-namespace", "writes a ConfigMap in kube-system", at("kube-system", configMap("a"))),
  create("platform-namespace", "runs a Pod in catalyst-system", at("catalyst-system", pod("a"))),
  create("platform-namespace", "writes an Event in kube-system", at("kube-system", event)),
  create(
    "platform-namespace",
    "writes a Secret of another name in kube-system",
    at("kube-system", secret("a")),
    "certManager",
  ),
  create(
    "platform-namespace",
    "writes a Secret in catalyst-system",
    at("catalyst-system", secret("cert-manager-a")),
    "certManager",
  ),
  create(
    "platform-namespace",
    "writes a token of its name in kube-system",
    at("kube-system", secret("cert-manager-a", { type: "kubernetes.io/service-account-token" })),
    "certManager",
  ),
  create(
    undefined,
    "keeps its Lease in kube-system",
    at("kube-system", lease("cert-manager")),
    "certManager",
  ),
  create(undefined, "writes an Event in catalyst-system", at("catalyst-system", event), "certManager"),
  create(undefined, "works in kube-system", at("kube-system", configMap("a")), "platform"),
  create(undefined, "works in kube-system", at("kube-system", pod("a", "any:tag")), "deploymentController"),
  create("controller-namespace", "writes a Secret in cert-manager", at("cert-manager", secret("a"))),
  create(undefined, "writes a Secret in cert-manager", at("cert-manager", secret("a")), "certManager"),
  create("sovereign-namespace", "writes a ConfigMap", at("sovereign-omantel", configMap("a")), "omantel"),
  create(undefined, "writes a Secret", at("sovereign-omantel", secret("a")), "externalSecrets"),
  create(
    undefined,
    "runs a tag in its own namespace",
    at("cert-manager", pod("a", "any:tag")),
    "certManager",
  ),
  create("controller-namespace", "runs a Pod in cert-manager", at("cert-manager", pod("a")), "cloudNativePg"),
  create(
    undefined,
    "runs an instance",
    at("sovereign-omantel", ownedPod("postgresql.cnpg.io/v1")),
    "cloudNativePg",
  ),
  create(
    "sovereign-namespace",
    "runs a Pod whose owner does not control it",
    at("sovereign-omantel", ownedPod("postgresql.cnpg.io/v1", false)),
    "cloudNativePg",
  ),
  create(
    "sovereign-namespace",
    "runs a Pod without an owner",
    at("sovereign-omantel", pod("a")),
    "cloudNativePg",
  ),
  create(
    "sovereign-namespace",
    "runs a Pod of a ReplicaSet",
    at("sovereign-omantel", ownedPod("apps/v1")),
    "cloudNativePg",
  ),
  create(
    "sovereign-namespace",
    "runs a Pod of an installer's kind",
    at("sovereign-omantel", ownedPod("helm.toolkit.fluxcd.io/v2")),
    "cloudNativePg",
  ),
  create(
    undefined,
    "creates the kind of a constraint",
    named("apiextensions.k8s.io/v1", "CustomResourceDefinition", "k8slabels.constraints.gatekeeper.sh", {
      spec: {},
    }),
    "certManager",
  ),
  create("catalog-namespace", "writes a ConfigMap in a catalog", at("catalog-sovereign", configMap("a"))),
  create("cluster-scope", "creates a ClusterRole", unique(clusterRole("a"))),
  remove("cluster-scope", "deletes a ClusterRole", unique(clusterRole("a"))),
  create(
    "cluster-scope",
    "creates a PersistentVolume",
    unique(named("v1", "PersistentVolume", "a", { spec: {} })),
  ),
  create(undefined, "creates a ClusterRole", unique(clusterRole("a")), "platform"),
  create(undefined, "creates a Namespace", unique(namespace("bazaar"))),
  create("namespace-reserved", "creates a Namespace org-*", unique(namespace("org-new"))),
  create("namespace-reserved", "creates a Namespace sovereign-*", unique(namespace("sovereign-new"))),
  create("namespace-reserved", "creates Namespace flux-system", namespace("flux-system")),
  remove("namespace-guarded", "deletes Namespace kube-system", namespace("kube-system")),
  remove(
    "namespace-guarded",
    "deletes a Namespace with a platform label",
    unique(namespace("tenant", { labels: { [`${LABEL_PREFIX}/organization`]: "acme" } })),
  ),
  remove(undefined, "deletes its own Namespace", unique(namespace("bazaar"))),
  create(
    "platform-label",
    "labels a Namespace for an Organization",
    unique(namespace("bazaar", { labels: { [`${LABEL_PREFIX}/organization`]: "acme" } })),
  ),
  create(
    "platform-label",
    "labels a ConfigMap as managed",
    at("shop", configMap("a", { metadata: { labels: { [`${LABEL_PREFIX}/managed-by`]: "operator" } } })),
  ),
  update(
    "managed-object",
    "changes a managed object",
    at("shop", configMap("a", { metadata: { labels: { [`${LABEL_PREFIX}/managed-by`]: "operator" } } })),
  ),
  create(
    "evidence-pipeline-only",
    "approves its own release",
    at("shop", configMap("a", { metadata: { annotations: { [`${LABEL_PREFIX}/approved-by`]: "me" } } })),
  ),
  create(
    undefined,
    "writes evidence",
    at("shop", configMap("a", { metadata: { annotations: { [`${LABEL_PREFIX}/score`]: "90" } } })),
    "pipeline",
  ),
];

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

const PODS: readonly KyvernoCase[] = [
  create("image-digest", "runs a tag", at("shop", pod("a", "nginx:1"))),
  create("image-digest", "runs a tag in a Deployment", at("shop", deployment("a", "nginx:1"))),
  create("image-digest", "runs a tag in a CronJob", at("shop", cronJob("a", "nginx:1"))),
  create(
    "image-digest",
    "runs a tag as an init container",
    at("shop", pod("a", SIGNED, { initContainers: [{ name: "b", image: "nginx:1" }] })),
  ),
  create("pod-isolation", "shares the node's network", at("shop", pod("a", SIGNED, { hostNetwork: true }))),
  create(
    "pod-isolation",
    "shares the node's processes from a Deployment",
    at("shop", deployment("a", SIGNED, { hostPID: true })),
  ),
  create(
    "pod-isolation",
    "mounts the node's files",
    at("shop", pod("a", SIGNED, { volumes: [{ name: "v", hostPath: { path: "/" } }] })),
  ),
  create(
    "pod-isolation",
    "mounts a share by an inline volume",
    at("shop", pod("a", SIGNED, { volumes: [{ name: "v", csi: { driver: "nfs.csi.k8s.io" } }] })),
  ),
  create(
    undefined,
    "mounts Secrets by an inline volume",
    at("shop", pod("a", SIGNED, { volumes: [{ name: "v", csi: { driver: "secrets-store.csi.k8s.io" } }] })),
  ),
  create(
    "pod-isolation",
    "runs privileged",
    at("shop", pod("a", SIGNED, container({ securityContext: { privileged: true } }))),
  ),
  create(
    "pod-isolation",
    "adds a capability",
    at("shop", pod("a", SIGNED, container({ securityContext: { capabilities: { add: ["SYS_ADMIN"] } } }))),
  ),
  create(
    "pod-isolation",
    "opens a port of the node",
    at("shop", pod("a", SIGNED, container({ ports: [{ containerPort: 80, hostPort: 80 }] }))),
  ),
  create(
    "pod-isolation",
    "changes the kernel",
    at("shop", pod("a", SIGNED, { securityContext: { sysctls: [{ name: "kernel.panic", value: "1" }] } })),
  ),
  create(
    undefined,
    "runs a Pod with volumes of its namespace",
    at("shop", pod("a", SIGNED, { volumes: [{ name: "v", secret: { secretName: "s" } }] })),
  ),
  create(undefined, "runs a Deployment", at("shop", deployment("a"))),
];

export const KYVERNO_CASES: readonly KyvernoCase[] = [...PLACES, ...PRODUCT, ...INSTALLS, ...ROLES, ...PODS];
