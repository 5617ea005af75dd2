import { IMAGE } from "../../builder/catalyst-object.ts";
import { type Objects, type Product, product } from "./request.ts";

/** An object that another one controls, or owns without controlling it. */
const owned = (apiVersion: string, kind: string, members: object = {}, controller = true) => ({
  ...members,
  metadata: { ownerReferences: [{ apiVersion, kind, name: "owner", uid: "1", controller }] },
});
const pod = (image: string) => ({ spec: { containers: [{ name: "main", image }] } });
const template = (image: string) => ({ spec: { template: pod(image) } });
const TAGGED = "registry.example/product:1.2";
const caBundle = (text: string) => ({
  spec: { conversion: { webhook: { clientConfig: { caBundle: text } } } },
});
const CHANGES: Objects = {
  "CA bundle": { oldObject: caBundle("old"), object: caBundle("new") },
  finalizer: { oldObject: {}, object: { metadata: { finalizers: ["x"] } } },
};

const challenge = (members?: object) => owned("acme.cert-manager.io/v1", "Challenge", members);
const CERT_MANAGER = product(
  { name: "cert-manager", namespace: "cert-manager", account: "cert-manager" },
  `
keeps its Lease | kube-system | UPDATE leases.coordination.k8s.io cert-manager-controller | allowed
requests a token of its own ServiceAccount | its own namespace | CREATE serviceaccounts/token | allowed
creates a CertificateRequest | an environment | CREATE certificaterequests.cert-manager.io | allowed
creates a Challenge | an environment | CREATE challenges.acme.cert-manager.io | allowed
creates a Certificate for an Ingress | an environment | CREATE certificates.cert-manager.io | allowed
writes a Certificate's status | an environment | UPDATE certificates/status.cert-manager.io | allowed
writes a Certificate's Secret | an environment | CREATE secrets | allowed
writes a Certificate's Secret | a Sovereign's namespace | UPDATE secrets | allowed
creates the Service of an HTTP-01 solver | an environment | CREATE services | allowed | of a Challenge
deletes the Ingress of an HTTP-01 solver | an environment | DELETE ingresses.networking.k8s.io | allowed | of a Challenge
adds a challenge to an Ingress of others | an environment | UPDATE ingresses.networking.k8s.io | organization-namespace
runs an HTTP-01 solver by digest | an environment | CREATE pods | trusted | by digest
runs an HTTP-01 solver by tag | an environment | CREATE pods | image-digest | by tag
writes a ClusterIssuer's status | cluster scope | UPDATE clusterissuers/status.cert-manager.io | allowed
writes the caBundle of a kind | cluster scope | UPDATE customresourcedefinitions.apiextensions.k8s.io | allowed | CA bundle
writes the caBundle of an APIService | cluster scope | UPDATE apiservices.apiregistration.k8s.io | cluster-scope
`,
  {
    ...CHANGES,
    "of a Challenge": challenge(),
    "by digest": challenge(pod(IMAGE)),
    "by tag": challenge(pod(TAGGED)),
  },
);

const database = (members?: object) => owned("postgresql.cnpg.io/v1", "Cluster", members);
const CLOUD_NATIVE_PG = product(
  { name: "CloudNativePG", namespace: "cnpg-system", account: "cnpg-manager" },
  `
keeps its Lease | its own namespace | UPDATE leases.coordination.k8s.io | allowed
runs an instance by digest | an environment | CREATE pods | trusted | by digest
runs an instance by digest | a Sovereign's namespace | CREATE pods | trusted | by digest
runs an instance by tag | an environment | CREATE pods | image-digest | by tag
runs the Job that creates a database | an environment | CREATE jobs.batch | trusted | Job
runs the Deployment of a Pooler | an environment | CREATE deployments.apps | trusted | Pooler
claims an instance's volume | an environment | CREATE persistentvolumeclaims | allowed | of a Cluster
deletes an instance | an environment | DELETE pods | allowed | of a Cluster
creates a cluster's Services | an environment | CREATE services | allowed | of a Cluster
creates a cluster's PodDisruptionBudget | an environment | CREATE poddisruptionbudgets.policy | allowed | of a Cluster
creates a cluster's ServiceAccount | an environment | CREATE serviceaccounts | allowed | of a Cluster
creates a cluster's Role | an environment | CREATE roles.rbac.authorization.k8s.io | allowed | Role
creates a cluster's Secrets | an environment | CREATE secrets | allowed | of a Cluster
writes a Cluster's status | an environment | UPDATE clusters/status.postgresql.cnpg.io | allowed
creates a VolumeSnapshot that a Backup owns | an environment | CREATE volumesnapshots.snapshot.storage.k8s.io | allowed | of a Backup
creates a VolumeSnapshot without an owner | an environment | CREATE volumesnapshots.snapshot.storage.k8s.io | organization-namespace
executes in a Pod | an environment | CONNECT pods/exec | organization-namespace
`,
  {
    "by digest": database(pod(IMAGE)),
    "by tag": database(pod(TAGGED)),
    Job: database(template(IMAGE)),
    Pooler: owned("postgresql.cnpg.io/v1", "Pooler", template(IMAGE)),
    "of a Cluster": database(),
    "of a Backup": owned("postgresql.cnpg.io/v1", "Backup"),
    Role: database({ rules: [{ verbs: ["get"], apiGroups: [""], resources: ["secrets"] }] }),
  },
);

const EXTERNAL_SECRETS = product(
  { name: "External Secrets", namespace: "external-secrets", account: "external-secrets" },
  `
keeps its Lease | its own namespace | UPDATE leases.coordination.k8s.io | allowed
writes a Secret | an environment | CREATE secrets | allowed
writes a Secret | a Sovereign's namespace | UPDATE secrets | allowed
writes a Secret | an ordinary namespace | CREATE secrets | allowed
writes an ExternalSecret's status | an environment | UPDATE externalsecrets/status.external-secrets.io | allowed
writes an ExternalSecret's finalizers | an environment | UPDATE externalsecrets.external-secrets.io | allowed | finalizer
creates an ExternalSecret for a ClusterExternalSecret | an environment | CREATE externalsecrets.external-secrets.io | allowed
writes a ClusterSecretStore's status | cluster scope | UPDATE clustersecretstores/status.external-secrets.io | allowed
writes a ClusterSecretStore's finalizers | cluster scope | UPDATE clustersecretstores.external-secrets.io | allowed | finalizer
writes the caBundle of a kind | cluster scope | UPDATE customresourcedefinitions.apiextensions.k8s.io | allowed | CA bundle
requests a token of its own ServiceAccount | its own namespace | CREATE serviceaccounts/token | allowed
requests a token of a tenant's ServiceAccount | an environment | CREATE serviceaccounts/token | organization-namespace
writes a Secret of type service-account-token | an environment | CREATE secrets | organization-namespace | token
writes a Secret | kube-system | CREATE secrets | platform-namespace
`,
  { ...CHANGES, token: { type: "kubernetes.io/service-account-token" } },
);

const INGRESS_NGINX = product(
  { name: "ingress-nginx", namespace: "ingress-nginx", account: "ingress-nginx" },
  `
keeps its Lease | its own namespace | UPDATE leases.coordination.k8s.io | allowed
writes an Ingress's status | an environment | UPDATE ingresses/status.networking.k8s.io | allowed
writes an Ingress's status | a Sovereign's namespace | UPDATE ingresses/status.networking.k8s.io | allowed
writes the status of the operator's Ingress | a Sovereign's namespace | UPDATE ingresses/status.networking.k8s.io | allowed | managed
changes the operator's Ingress | a Sovereign's namespace | UPDATE ingresses.networking.k8s.io | sovereign-namespace | managed
writes an Event | an environment | CREATE events | allowed
writes an Event | kube-system | CREATE events | allowed
changes a Service | an environment | UPDATE services | organization-namespace
`,
  {
    managed: {
      kind: "Ingress",
      metadata: { labels: { "catalyst.openova.io/managed-by": "operator" } },
      status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } },
    },
  },
);

const KYVERNO = product(
  { name: "Kyverno", namespace: "kyverno", account: "kyverno-background-controller" },
  `
keeps its Leases | its own namespace | UPDATE leases.coordination.k8s.io | allowed
renews its certificate's Secret | its own namespace | UPDATE secrets | allowed
annotates its Deployments | its own namespace | UPDATE deployments.apps | allowed | Deployment
creates an UpdateRequest | its own namespace | CREATE updaterequests.kyverno.io | allowed
writes a PolicyReport | an environment | CREATE policyreports.wgpolicyk8s.io | allowed
writes a PolicyReport | kube-system | CREATE policyreports.wgpolicyk8s.io | allowed
writes an EphemeralReport | a Sovereign's namespace | CREATE ephemeralreports.reports.kyverno.io | allowed
writes a ClusterPolicyReport | cluster scope | CREATE clusterpolicyreports.wgpolicyk8s.io | allowed
writes a ClusterPolicy's status | cluster scope | UPDATE clusterpolicies/status.kyverno.io | allowed
generates a ConfigMap | an environment | CREATE configmaps | allowed
generates a NetworkPolicy | an ordinary namespace | CREATE networkpolicies.networking.k8s.io | allowed
generates a NetworkPolicy | an environment | CREATE networkpolicies.networking.k8s.io | organization-namespace
generates a RoleBinding | an environment | CREATE rolebindings.rbac.authorization.k8s.io | organization-namespace
changes an existing Deployment | an environment | UPDATE deployments.apps | organization-namespace
`,
  { Deployment: template(TAGGED) },
);

const GATEKEEPER = product(
  { name: "Gatekeeper", namespace: "gatekeeper-system", account: "gatekeeper-admin" },
  `
renews its certificate's Secret | its own namespace | UPDATE secrets | allowed
writes a ConstraintPodStatus | its own namespace | CREATE constraintpodstatuses.status.gatekeeper.sh | allowed
creates the kind of a ConstraintTemplate | cluster scope | CREATE customresourcedefinitions.apiextensions.k8s.io k8srequiredlabels.constraints.gatekeeper.sh | allowed
writes a constraint's status | cluster scope | UPDATE k8srequiredlabels/status.constraints.gatekeeper.sh | allowed
writes a ConstraintTemplate's finalizers | cluster scope | UPDATE constrainttemplates.templates.gatekeeper.sh | allowed | finalizer
creates a kind of another group | cluster scope | CREATE customresourcedefinitions.apiextensions.k8s.io widgets.example.org | cluster-scope
`,
  CHANGES,
);

const prometheus = (members?: object) => owned("monitoring.coreos.com/v1", "Prometheus", members);
const MONITORING = product(
  { name: "Prometheus operator", namespace: "monitoring", account: "prometheus-operator" },
  `
runs a Prometheus by tag | its own namespace | CREATE statefulsets.apps | allowed | by tag
writes a Prometheus's configuration | its own namespace | UPDATE secrets | allowed
runs a Prometheus by digest | an environment | CREATE statefulsets.apps | trusted | by digest
runs a Prometheus by tag | an environment | CREATE statefulsets.apps | image-digest | by tag
creates a Prometheus's Service | an environment | CREATE services | allowed | of a Prometheus
writes a Prometheus's configuration | an environment | CREATE secrets | allowed
writes a Prometheus's status | an environment | UPDATE prometheuses/status.monitoring.coreos.com | allowed
writes the EndpointSlices of kubelets | kube-system | UPDATE endpointslices.discovery.k8s.io | allowed
writes the Service of kubelets | kube-system | UPDATE services kubelet | platform-namespace
writes the Endpoints of kubelets | kube-system | UPDATE endpoints kubelet | platform-namespace
deletes a Pod that is stuck in a rollout | an environment | DELETE pods | organization-namespace | of a StatefulSet
`,
  {
    "by digest": prometheus(template(IMAGE)),
    "by tag": prometheus(template(TAGGED)),
    // Several Prometheuses own one Service.
    "of a Prometheus": owned("monitoring.coreos.com/v1", "Prometheus", {}, false),
    "of a StatefulSet": owned("apps/v1", "StatefulSet"),
  },
);

const VELERO = product(
  { name: "Velero", namespace: "velero", account: "velero-server" },
  `
writes Backups and their status | its own namespace | UPDATE backups.velero.io | allowed
creates a PodVolumeBackup | its own namespace | CREATE podvolumebackups.velero.io | allowed
runs a data mover | its own namespace | CREATE pods | allowed | by tag
creates a VolumeSnapshot | an environment | CREATE volumesnapshots.snapshot.storage.k8s.io | organization-namespace
changes a VolumeSnapshotContent | cluster scope | UPDATE volumesnapshotcontents.snapshot.storage.k8s.io | cluster-scope
runs a backup hook in a Pod | an environment | CONNECT pods/exec | organization-namespace
restores a Secret | an environment | CREATE secrets | allowed
restores a Deployment | an environment | CREATE deployments.apps | organization-namespace | Deployment
restores a ClusterRole | cluster scope | CREATE clusterroles.rbac.authorization.k8s.io | cluster-scope
`,
  { "by tag": pod(TAGGED), Deployment: template(IMAGE) },
);

export const PRODUCTS: readonly Product[] = [
  CERT_MANAGER,
  CLOUD_NATIVE_PG,
  EXTERNAL_SECRETS,
  INGRESS_NGINX,
  KYVERNO,
  GATEKEEPER,
  MONITORING,
  VELERO,
];
