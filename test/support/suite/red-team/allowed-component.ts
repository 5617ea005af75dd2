import { type Attempt, cluster, core, group, mergePatch, on, onReal, post, remove } from "./attempt.ts";
import { AUTHORITY, NODE_CERTIFICATE_REQUEST } from "./certificate.ts";
import {
  configMap,
  LABEL_PREFIX,
  named,
  namespace,
  ownedService,
  pod,
  roleBinding,
  secret,
  tokenRequest,
} from "./object.ts";
import type { Person } from "./person.ts";

const can = (title: string, by: Person, request: Attempt["request"]) => on(title, by, request, "allowed");
const canReal = (title: string, by: Person, request: Attempt["request"]) =>
  onReal(title, by, request, "allowed");

const LEASES = "coordination.k8s.io/v1";
const DEFINITIONS = cluster("apiextensions.k8s.io/v1", "customresourcedefinitions");
const event = (name: string, namespaceName: string) => ({
  ...named("v1", "Event", name),
  involvedObject: { kind: "Pod", namespace: namespaceName, name: "app-0" },
  reason: "Test",
});
const slice = (name: string) => ({
  ...named("discovery.k8s.io/v1", "EndpointSlice", name),
  addressType: "IPv4",
  endpoints: [],
});
const lease = (name: string) => named(LEASES, "Lease", name, { spec: { holderIdentity: "x" } });

const CONTROLLERS: readonly Attempt[] = [
  can(
    "keeps its Lease in kube-system",
    "certManager",
    post(group(LEASES, "kube-system", "leases"), lease("cert-manager-controller")),
  ),
  can(
    "renews its Lease in kube-system",
    "certManager",
    mergePatch(group(LEASES, "kube-system", "leases/cert-manager-controller"), {
      spec: { holderIdentity: "y" },
    }),
  ),
  canReal(
    "writes the caBundle of its definition",
    "certManager",
    mergePatch(`${DEFINITIONS}/challenges.acme.cert-manager.io`, {
      spec: { conversion: { webhook: { clientConfig: { caBundle: AUTHORITY } } } },
    }),
  ),
  can(
    "writes the status of a ClusterIssuer",
    "certManager",
    mergePatch(cluster("cert-manager.io/v1", "clusterissuers/public/status"), { status: { ready: true } }),
  ),
  can(
    "writes the status of a Certificate in an environment",
    "certManager",
    mergePatch(group("cert-manager.io/v1", "acme-prod", "certificates/site/status"), {
      status: { ready: true },
    }),
  ),
  can(
    "writes the certificate's Secret in an environment",
    "certManager",
    post(core("acme-prod", "secrets"), secret("site-tls")),
  ),
  can(
    "creates a Certificate for an Ingress in an environment",
    "certManager",
    post(
      group("cert-manager.io/v1", "acme-prod", "certificates"),
      named("cert-manager.io/v1", "Certificate", "shop", { spec: {} }),
    ),
  ),
  can(
    "creates a solver's Service that a Challenge owns",
    "certManager",
    post(core("acme-prod", "services"), ownedService("solver", "acme.cert-manager.io/v1", "Challenge")),
  ),
  can(
    "creates a Service that several objects own",
    "certManager",
    post(
      core("acme-prod", "services"),
      ownedService("shared", "monitoring.coreos.com/v1", "Prometheus", { controller: false }),
    ),
  ),
  can(
    "updates a Service that a Challenge owns",
    "certManager",
    mergePatch(core("acme-prod", "services/owned"), { metadata: { labels: { solver: "http01" } } }),
  ),
  can(
    "grants its own ServiceAccount a role for an object that controls both",
    "certManager",
    post(group("rbac.authorization.k8s.io/v1", "acme-prod", "rolebindings"), {
      ...roleBinding("owned", "view", "unused"),
      subjects: [{ kind: "ServiceAccount", name: "robot", namespace: "acme-prod" }],
      metadata: ownedService("owned", "acme.cert-manager.io/v1", "Challenge").metadata,
    }),
  ),
  can(
    "requests a token in its own namespace",
    "certManager",
    post(core("cert-manager", "serviceaccounts/robot/token"), tokenRequest),
  ),
  can(
    "writes a Secret in its own namespace",
    "certManager",
    post(core("cert-manager", "secrets"), secret("account-key")),
  ),
  can(
    "writes a Secret in an environment",
    "externalSecrets",
    post(core("acme-prod", "secrets"), secret("from-vault")),
  ),
  can(
    "refreshes its Secret in an environment",
    "externalSecrets",
    mergePatch(core("acme-prod", "secrets/from-vault"), { data: { key: "c2VjcmV0" } }),
  ),
  can(
    "writes a Secret in an Organization's home",
    "externalSecrets",
    post(core("org-acme", "secrets"), secret("from-vault")),
  ),
  can(
    "writes a Secret in an ordinary namespace",
    "externalSecrets",
    post(core("shop", "secrets"), secret("from-vault")),
  ),
  ...["acme-prod", "org-globex", "sovereign-omantel", "kube-system", "catalyst-system", "ingress-nginx"].map(
    (at) =>
      can(`writes an Event in ${at}`, "ingressNginx", post(core(at, "events"), event("ingress-event", at))),
  ),
  can(
    "writes the status of an Ingress",
    "ingressNginx",
    mergePatch(group("networking.k8s.io/v1", "acme-prod", "ingresses/app/status"), {
      status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } },
    }),
  ),
  can(
    "writes the status of a Sovereign's Ingress",
    "ingressNginx",
    mergePatch(group("networking.k8s.io/v1", "sovereign-omantel", "ingresses/app/status"), {
      status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } },
    }),
  ),
  can(
    "writes an EndpointSlice in an environment",
    "ingressNginx",
    post(group("discovery.k8s.io/v1", "acme-prod", "endpointslices"), slice("ingress-app")),
  ),
  can(
    "keeps its Lease in its own namespace",
    "ingressNginx",
    post(group(LEASES, "ingress-nginx", "leases"), lease("leader")),
  ),
];

const CONTROL_PLANE: readonly Attempt[] = [
  can(
    "deletes in an environment",
    "garbageCollector",
    remove(group("apps/v1", "globex-prod", "replicasets/app")),
  ),
  can("empties an ordinary namespace", "namespaceController", remove(`${core("bazaar", "configmaps")}`)),
  can(
    "creates a ReplicaSet's Pod from a template",
    "deploymentController",
    post(core("globex-prod", "pods"), pod("app-1", "any:tag")),
  ),
  can(
    "writes the status of a Deployment",
    "deploymentController",
    mergePatch(group("apps/v1", "acme-prod", "deployments/app/status"), { status: { replicas: 1 } }),
  ),
  can("writes an Event", "scheduler", post(core("acme-prod", "events"), event("scheduled", "acme-prod"))),
  can(
    "keeps its Lease",
    "controllerManager",
    post(group(LEASES, "kube-system", "leases"), lease("kube-controller-manager")),
  ),
  can(
    "writes an EndpointSlice",
    "controllerManager",
    post(group("discovery.k8s.io/v1", "org-acme", "endpointslices"), slice("app-1")),
  ),
  can("keeps its Lease", "kubelet", post(group(LEASES, "kube-node-lease", "leases"), lease("node-1"))),
  can(
    "writes its node's status",
    "kubelet",
    mergePatch("/api/v1/nodes/node-1/status", { status: { phase: "Running" } }),
  ),
  can(
    "writes a Pod's status",
    "kubelet",
    mergePatch(core("acme-prod", "pods/app-0/status"), { status: { phase: "Running" } }),
  ),
  can(
    "writes a Pod's status in kube-system",
    "kubelet",
    mergePatch(core("kube-system", "pods/app-0/status"), { status: { phase: "Running" } }),
  ),
  can("writes an Event", "kubelet", post(core("acme-prod", "events"), event("pulled", "acme-prod"))),
  canReal(
    "requests its first certificate",
    "joiningNode",
    post(
      cluster("certificates.k8s.io/v1", "certificatesigningrequests"),
      named("certificates.k8s.io/v1", "CertificateSigningRequest", "node-9", {
        spec: {
          request: NODE_CERTIFICATE_REQUEST,
          signerName: "kubernetes.io/kube-apiserver-client-kubelet",
          usages: ["digital signature", "client auth"],
        },
      }),
    ),
  ),
  canReal(
    "binds a Pod",
    "scheduler",
    post(core("globex-prod", "pods/app-0/binding"), {
      ...named("v1", "Binding", "app-0"),
      target: { apiVersion: "v1", kind: "Node", name: "node-1" },
    }),
  ),
  can(
    "writes an OCIRepository's status",
    "helmController",
    mergePatch(group("source.toolkit.fluxcd.io/v1", "acme-prod", "ocirepositories/shop/status"), {
      status: { observedGeneration: 1 },
    }),
  ),
];

const PLATFORM: readonly Attempt[] = [
  can(
    "creates a Namespace of an Organization",
    "platform",
    post(
      "/api/v1/namespaces",
      namespace("org-initech", { labels: { [`${LABEL_PREFIX}/organization`]: "initech" } }),
    ),
  ),
  can("writes in kube-system", "platform", post(core("kube-system", "configmaps"), configMap("ours"))),
  can("runs any image", "platform", post(core("shop", "pods"), pod("any", "nginx", { hostNetwork: true }))),
  can(
    "installs by a Kustomization",
    "platform",
    post(
      group("kustomize.toolkit.fluxcd.io/v1", "flux-system", "kustomizations"),
      named("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "cluster", { spec: {} }),
    ),
  ),
  can(
    "requests a token in kube-system",
    "platform",
    post(core("kube-system", "serviceaccounts/robot/token"), {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {},
    }),
  ),
];

export const ALLOWED_COMPONENTS: readonly Attempt[] = [...CONTROLLERS, ...CONTROL_PLANE, ...PLATFORM];
