import { type Attempt, cluster, jsonPatch, mergePatch, on, onReal, post, remove } from "./attempt.ts";
import { CERTIFICATE_REQUEST } from "./certificate.ts";
import { clusterRole, clusterRoleBinding, LABEL_PREFIX, named } from "./object.ts";

const RBAC = "rbac.authorization.k8s.io/v1";
const EXTENSIONS = "apiextensions.k8s.io/v1";

const apiService = (groupName: string) =>
  named("apiregistration.k8s.io/v1", "APIService", `v1.${groupName}`, {
    spec: {
      group: groupName,
      version: "v1",
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { name: "evil", namespace: "shop" },
      insecureSkipTLSVerify: true,
    },
  });

const definition = named(EXTENSIONS, "CustomResourceDefinition", "gadgets.example.org", {
  spec: {
    group: "example.org",
    scope: "Namespaced",
    names: { plural: "gadgets", kind: "Gadget" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
  },
});

const request = (signerName: string) =>
  named("certificates.k8s.io/v1", "CertificateSigningRequest", "mine", {
    spec: { request: CERTIFICATE_REQUEST, signerName, usages: ["client auth"] },
  });

/** Cluster scope, except Namespaces. */
export const CLUSTER_ATTEMPTS: readonly Attempt[] = [
  on(
    "binds itself to cluster-admin",
    "omantel",
    post(cluster(RBAC, "clusterrolebindings"), clusterRoleBinding("mine", "cluster-admin", "omantel-admin")),
    "cluster-scope",
  ),
  on(
    "adds itself to a ClusterRoleBinding",
    "stranger",
    jsonPatch(cluster(RBAC, "clusterrolebindings/cluster-admin"), [
      {
        op: "add",
        path: "/subjects/-",
        value: { kind: "User", name: "mallory", apiGroup: "rbac.authorization.k8s.io" },
      },
    ]),
    "cluster-scope",
  ),
  on(
    "creates a ClusterRole that aggregates into admin",
    "omantel",
    post(
      cluster(RBAC, "clusterroles"),
      clusterRole("mine", {
        metadata: { labels: { "rbac.authorization.k8s.io/aggregate-to-admin": "true" } },
      }),
    ),
    "cluster-scope",
  ),
  on(
    "creates a ClusterRole",
    "amal",
    post(cluster(RBAC, "clusterroles"), clusterRole("mine")),
    "cluster-scope",
  ),
  on(
    "turns off the reconciliation of a bootstrap role",
    "omantel",
    mergePatch(cluster(RBAC, "clusterroles/view"), {
      metadata: { annotations: { "rbac.authorization.kubernetes.io/autoupdate": "false" } },
    }),
    "cluster-scope",
  ),
  on("deletes a ClusterRole", "stranger", remove(cluster(RBAC, "clusterroles/view")), "cluster-scope"),
  on(
    "deletes ClusterRoleBindings by label",
    "stranger",
    remove(
      `${cluster(RBAC, "clusterrolebindings")}?labelSelector=kubernetes.io%2Fbootstrapping%3Drbac-defaults`,
    ),
    "cluster-scope",
  ),
  ...["evil.example.org", "admissionregistration.k8s.io", LABEL_PREFIX].map((name) =>
    on(
      `takes over the API group ${name}`,
      "omantel",
      post(cluster("apiregistration.k8s.io/v1", "apiservices"), {
        ...apiService(name),
        metadata: { name: `v1.${name}` },
      }),
      "cluster-scope",
    ),
  ),
  on(
    "creates a CustomResourceDefinition",
    "omantel",
    post(cluster(EXTENSIONS, "customresourcedefinitions"), definition),
    "cluster-scope",
  ),
  on(
    "creates a CustomResourceDefinition",
    "certManager",
    post(cluster(EXTENSIONS, "customresourcedefinitions"), definition),
    "cluster-scope",
  ),
  on(
    "changes a CustomResourceDefinition of the product",
    "omantel",
    mergePatch(cluster(EXTENSIONS, `customresourcedefinitions/sovereigns.${LABEL_PREFIX}`), {
      metadata: { labels: { mine: "yes" } },
    }),
    "cluster-scope",
  ),
  on(
    "writes the status of a CustomResourceDefinition",
    "stranger",
    mergePatch(cluster(EXTENSIONS, "customresourcedefinitions/widgets.example.org/status"), {
      status: { storedVersions: ["v1"] },
    }),
    "cluster-scope",
  ),
  on(
    "deletes a CustomResourceDefinition",
    "amal",
    remove(cluster(EXTENSIONS, "customresourcedefinitions/widgets.example.org")),
    "cluster-scope",
  ),
  on(
    "changes more than the caBundle of a CustomResourceDefinition",
    "certManager",
    mergePatch(cluster(EXTENSIONS, "customresourcedefinitions/clusterissuers.cert-manager.io"), {
      metadata: { labels: { mine: "yes" } },
    }),
    "cluster-scope",
  ),
  on(
    "labels a node",
    "omantel",
    mergePatch("/api/v1/nodes/node-1", { metadata: { labels: { tier: "gold" } } }),
    "cluster-scope",
  ),
  on("registers a node", "stranger", post("/api/v1/nodes", named("v1", "Node", "node-2")), "cluster-scope"),
  on(
    "writes the status of a node",
    "stranger",
    mergePatch("/api/v1/nodes/node-1/status", { status: { capacity: { pods: "1" } } }),
    "cluster-scope",
  ),
  on("deletes a node", "stranger", remove("/api/v1/nodes/node-1"), "cluster-scope"),
  on(
    "creates an IngressClass",
    "stranger",
    post(
      cluster("networking.k8s.io/v1", "ingressclasses"),
      named("networking.k8s.io/v1", "IngressClass", "mine", { spec: { controller: "example.org/mine" } }),
    ),
    "cluster-scope",
  ),
  on(
    "writes a ClusterIssuer",
    "amal",
    mergePatch(cluster("cert-manager.io/v1", "clusterissuers/public"), { spec: { selfSigned: {} } }),
    "cluster-scope",
  ),
  on(
    "writes the spec of a ClusterIssuer as a controller",
    "certManager",
    mergePatch(cluster("cert-manager.io/v1", "clusterissuers/public"), { spec: { selfSigned: {} } }),
    "cluster-scope",
  ),
  onReal(
    "calls a node through the API server",
    "omantel",
    post("/api/v1/nodes/node-1/proxy/run/acme-prod/app-0/app"),
    "cluster-scope",
  ),
  onReal(
    "creates a PersistentVolume on a node's disk",
    "omantel",
    post(
      "/api/v1/persistentvolumes",
      named("v1", "PersistentVolume", "root", {
        spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/" } },
      }),
    ),
    "cluster-scope",
  ),
  onReal(
    "frees a PersistentVolume of another",
    "stranger",
    mergePatch("/api/v1/persistentvolumes/disk", {
      spec: { claimRef: null, persistentVolumeReclaimPolicy: "Delete" },
    }),
    "cluster-scope",
  ),
  onReal("deletes a PersistentVolume", "stranger", remove("/api/v1/persistentvolumes/disk"), "cluster-scope"),
  ...["kubernetes.io/kube-apiserver-client", "kubernetes.io/kubelet-serving", "example.org/signer"].map(
    (signer) =>
      onReal(
        `requests a certificate of ${signer}`,
        "omantel",
        post(cluster("certificates.k8s.io/v1", "certificatesigningrequests"), request(signer)),
        "cluster-scope",
      ),
  ),
  ...["kubernetes.io/kube-apiserver-client", "example.org/signer"].map((signer) =>
    onReal(
      `requests a certificate of ${signer}`,
      "joiningNode",
      post(cluster("certificates.k8s.io/v1", "certificatesigningrequests"), request(signer)),
      "cluster-scope",
    ),
  ),
  onReal(
    "raises the priority of its requests",
    "stranger",
    post(
      cluster("flowcontrol.apiserver.k8s.io/v1", "flowschemas"),
      named("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "mine", {
        spec: { priorityLevelConfiguration: { name: "exempt" }, matchingPrecedence: 2 },
      }),
    ),
    "cluster-scope",
  ),
  onReal(
    "creates a PriorityClass",
    "stranger",
    post(cluster("scheduling.k8s.io/v1", "priorityclasses"), {
      ...named("scheduling.k8s.io/v1", "PriorityClass", "mine"),
      value: 1000,
    }),
    "cluster-scope",
  ),
  onReal(
    "creates a StorageClass",
    "stranger",
    post(cluster("storage.k8s.io/v1", "storageclasses"), {
      ...named("storage.k8s.io/v1", "StorageClass", "mine"),
      provisioner: "example.org/mine",
    }),
    "cluster-scope",
  ),
  onReal(
    "creates a RuntimeClass",
    "stranger",
    post(cluster("node.k8s.io/v1", "runtimeclasses"), {
      ...named("node.k8s.io/v1", "RuntimeClass", "mine"),
      handler: "runc",
    }),
    "cluster-scope",
  ),
  onReal(
    "creates a CSIDriver",
    "stranger",
    post(
      cluster("storage.k8s.io/v1", "csidrivers"),
      named("storage.k8s.io/v1", "CSIDriver", "mine.example.org", { spec: {} }),
    ),
    "cluster-scope",
  ),
];
