import { named } from "./object.ts";

/** Small definitions of other products' kinds, as far as attempts need them. */
const definition = (
  group: string,
  version: string,
  kind: string,
  plural: string,
  { scope = "Namespaced", older = [] }: { scope?: "Namespaced" | "Cluster"; older?: readonly string[] } = {},
) =>
  named("apiextensions.k8s.io/v1", "CustomResourceDefinition", `${plural}.${group}`, {
    metadata: { annotations: { "api-approved.kubernetes.io": "unapproved, for a test" } },
    spec: {
      ...{ group, scope },
      names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [version, ...older].map((name) => ({
        name,
        served: true,
        storage: name === version,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
              status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        },
      })),
    },
  });

/** Namespaced installers' kinds that only the platform may write, with the path of their collection. */
export const PLATFORM_INSTALLERS = [
  { kind: "GitRepository", plural: "gitrepositories", group: "source.toolkit.fluxcd.io", version: "v1" },
  { kind: "Bucket", plural: "buckets", group: "source.toolkit.fluxcd.io", version: "v1" },
  { kind: "HelmRepository", plural: "helmrepositories", group: "source.toolkit.fluxcd.io", version: "v1" },
  { kind: "HelmChart", plural: "helmcharts", group: "source.toolkit.fluxcd.io", version: "v1" },
  { kind: "Kustomization", plural: "kustomizations", group: "kustomize.toolkit.fluxcd.io", version: "v1" },
  {
    kind: "ImageUpdateAutomation",
    plural: "imageupdateautomations",
    group: "image.toolkit.fluxcd.io",
    version: "v1",
  },
  { kind: "Receiver", plural: "receivers", group: "notification.toolkit.fluxcd.io", version: "v1" },
  { kind: "FluxInstance", plural: "fluxinstances", group: "fluxcd.controlplane.io", version: "v1" },
  { kind: "Terraform", plural: "terraforms", group: "infra.contrib.fluxcd.io", version: "v1alpha2" },
  { kind: "Application", plural: "applications", group: "argoproj.io", version: "v1alpha1" },
  { kind: "Workflow", plural: "workflows", group: "argoproj.io", version: "v1alpha1" },
  { kind: "Release", plural: "releases", group: "helm.m.crossplane.io", version: "v1beta1" },
  { kind: "App", plural: "apps", group: "kappctrl.k14s.io", version: "v1alpha1" },
  { kind: "PackageInstall", plural: "packageinstalls", group: "packaging.carvel.dev", version: "v1alpha1" },
  { kind: "HelmChart", plural: "helmcharts", group: "helm.cattle.io", version: "v1" },
  { kind: "Addon", plural: "addons", group: "k3s.cattle.io", version: "v1" },
  { kind: "Bundle", plural: "bundles", group: "fleet.cattle.io", version: "v1alpha1" },
  { kind: "Subscription", plural: "subscriptions", group: "operators.coreos.com", version: "v1alpha1" },
  {
    kind: "Profile",
    plural: "profiles",
    group: "config.projectsveltos.io",
    version: "v1beta1",
  },
  {
    kind: "PropagationPolicy",
    plural: "propagationpolicies",
    group: "policy.karmada.io",
    version: "v1alpha1",
  },
  { kind: "ManifestWork", plural: "manifestworks", group: "work.open-cluster-management.io", version: "v1" },
  { kind: "Workspace", plural: "workspaces", group: "app.terraform.io", version: "v1alpha2" },
  { kind: "ExternalArtifact", plural: "externalartifacts", group: "source.toolkit.fluxcd.io", version: "v1" },
  { kind: "ApplicationSet", plural: "applicationsets", group: "argoproj.io", version: "v1alpha1" },
  { kind: "RepoSync", plural: "reposyncs", group: "configsync.gke.io", version: "v1beta1" },
  { kind: "Stack", plural: "stacks", group: "pulumi.com", version: "v1" },
  { kind: "Workspace", plural: "workspaces", group: "auto.pulumi.com", version: "v1alpha1" },
  { kind: "KluctlDeployment", plural: "kluctldeployments", group: "gitops.kluctl.io", version: "v1beta1" },
  { kind: "CoreProvider", plural: "coreproviders", group: "operator.cluster.x-k8s.io", version: "v1alpha2" },
  { kind: "KnativeServing", plural: "knativeservings", group: "operator.knative.dev", version: "v1beta1" },
  { kind: "Package", plural: "packages", group: "packages.glasskube.dev", version: "v1alpha1" },
  { kind: "Terraform", plural: "terraforms", group: "tf.galleybytes.com", version: "v1beta1" },
  { kind: "Configuration", plural: "configurations", group: "terraform.core.oam.dev", version: "v1beta2" },
  { kind: "WasmPlugin", plural: "wasmplugins", group: "extensions.istio.io", version: "v1alpha1" },
  { kind: "AdmissionPolicy", plural: "admissionpolicies", group: "policies.kubewarden.io", version: "v1" },
] as const;

/** A definition whose versions a webhook converts. The embedded API server serves none. */
export const CONVERTED_DEFINITION = (() => {
  const plain = definition("acme.cert-manager.io", "v1", "Challenge", "challenges");
  const webhook = {
    conversionReviewVersions: ["v1"],
    clientConfig: { url: "https://127.0.0.1:9/convert" },
  };
  return { ...plain, spec: { ...plain.spec, conversion: { strategy: "Webhook", webhook } } };
})();

export const DEFINITIONS = [
  ...PLATFORM_INSTALLERS.map(({ group, version, kind, plural }) =>
    definition(group, version, kind, plural, { older: plural === "kustomizations" ? ["v1beta2"] : [] }),
  ),
  definition("source.toolkit.fluxcd.io", "v1", "OCIRepository", "ocirepositories", { older: ["v1beta2"] }),
  definition("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases", { older: ["v2beta2"] }),
  definition("pkg.crossplane.io", "v1", "Provider", "providers", { scope: "Cluster" }),
  definition("kyverno.io", "v1", "Policy", "policies"),
  definition("kyverno.io", "v2", "PolicyException", "policyexceptions"),
  definition("policies.kyverno.io", "v1", "NamespacedGeneratingPolicy", "namespacedgeneratingpolicies"),
  definition("capsule.clastix.io", "v1beta2", "TenantResource", "tenantresources"),
  definition("config.gatekeeper.sh", "v1alpha1", "Config", "configs"),
  definition("templates.gatekeeper.sh", "v1", "ConstraintTemplate", "constrainttemplates", {
    scope: "Cluster",
  }),
  definition("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", { older: ["v1beta1"] }),
  definition("gateway.networking.k8s.io", "v1", "Gateway", "gateways"),
  definition("gateway.networking.k8s.io", "v1", "TLSRoute", "tlsroutes"),
  definition("gateway.networking.k8s.io", "v1", "GRPCRoute", "grpcroutes"),
  definition("networking.istio.io", "v1", "VirtualService", "virtualservices", { older: ["v1alpha3"] }),
  definition("networking.istio.io", "v1", "Gateway", "gateways"),
  definition("networking.istio.io", "v1", "ServiceEntry", "serviceentries"),
  definition("networking.istio.io", "v1", "WorkloadEntry", "workloadentries"),
  definition("networking.istio.io", "v1", "DestinationRule", "destinationrules"),
  definition("cis.f5.com", "v1", "VirtualServer", "virtualservers"),
  definition("cis.f5.com", "v1", "TransportServer", "transportservers"),
  definition("k8s.nginx.org", "v1", "Policy", "policies"),
  definition("cilium.io", "v2", "CiliumLocalRedirectPolicy", "ciliumlocalredirectpolicies"),
  definition("cilium.io", "v2", "CiliumEnvoyConfig", "ciliumenvoyconfigs"),
  definition("cilium.io", "v2", "CiliumEndpoint", "ciliumendpoints"),
  definition("cilium.io", "v2", "CiliumNetworkPolicy", "ciliumnetworkpolicies"),
  definition("traefik.io", "v1alpha1", "IngressRoute", "ingressroutes"),
  definition("traefik.io", "v1alpha1", "Middleware", "middlewares"),
  definition("traefik.io", "v1alpha1", "TLSOption", "tlsoptions"),
  definition("traefik.containo.us", "v1alpha1", "IngressRoute", "ingressroutes"),
  definition("getambassador.io", "v3alpha1", "AuthService", "authservices"),
  definition("security.istio.io", "v1", "RequestAuthentication", "requestauthentications"),
  definition("gloo.solo.io", "v1", "Upstream", "upstreams"),
  definition("apisix.apache.org", "v2", "ApisixRoute", "apisixroutes"),
  definition("route.openshift.io", "v1", "Route", "routes"),
  definition("projectcontour.io", "v1", "HTTPProxy", "httpproxies"),
  definition("externaldns.k8s.io", "v1alpha1", "DNSEndpoint", "dnsendpoints"),
  definition("cert-manager.io", "v1", "Certificate", "certificates"),
  definition("cert-manager.io", "v1", "CertificateRequest", "certificaterequests"),
  definition("cert-manager.io", "v1", "ClusterIssuer", "clusterissuers", { scope: "Cluster" }),
  definition("acme.cert-manager.io", "v1", "Order", "orders"),
  definition("gateway.solo.io", "v1", "VirtualService", "virtualservices"),
  definition("zalando.org", "v1", "RouteGroup", "routegroups"),
  definition("gateway.envoyproxy.io", "v1alpha1", "Backend", "backends"),
  definition("gateway.envoyproxy.io", "v1alpha1", "EnvoyPatchPolicy", "envoypatchpolicies"),
  definition("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors"),
  definition("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors"),
  definition("monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules"),
  definition("monitoring.coreos.com", "v1", "Probe", "probes"),
  definition("monitoring.coreos.com", "v1", "ScrapeConfig", "scrapeconfigs"),
  definition("cert-manager.io", "v1", "Issuer", "issuers"),
  definition("external-secrets.io", "v1", "SecretStore", "secretstores"),
  definition("generators.external-secrets.io", "v1alpha1", "Webhook", "webhooks"),
  definition("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects"),
  definition("keda.sh", "v1alpha1", "ScaledJob", "scaledjobs"),
  definition("keda.sh", "v1alpha1", "TriggerAuthentication", "triggerauthentications"),
  definition("security.istio.io", "v1", "AuthorizationPolicy", "authorizationpolicies"),
  definition("security.istio.io", "v1", "PeerAuthentication", "peerauthentications"),
  definition("k8s.cni.cncf.io", "v1", "NetworkAttachmentDefinition", "network-attachment-definitions"),
  definition("postgresql.cnpg.io", "v1", "Cluster", "clusters"),
  definition("example.org", "v1", "Widget", "widgets"),
];
