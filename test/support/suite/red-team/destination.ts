import type { Person } from "./person.ts";

/** An ordinary namespace, and an environment with one of its members. */
export const HOMES: readonly [Person, string][] = [
  ["stranger", "shop"],
  ["amal", "acme-prod"],
];

/** API version, collection and kind. */
export type Kind = readonly [version: string, plural: string, kind: string];
const ISTIO = "networking.istio.io/v1";
export const VIRTUAL_SERVICE: Kind = [ISTIO, "virtualservices", "VirtualService"];
export const SERVICE_ENTRY: Kind = [ISTIO, "serviceentries", "ServiceEntry"];
export const WORKLOAD_ENTRY: Kind = [ISTIO, "workloadentries", "WorkloadEntry"];
export const DESTINATION_RULE: Kind = [ISTIO, "destinationrules", "DestinationRule"];
export const PROXY: Kind = ["projectcontour.io/v1", "httpproxies", "HTTPProxy"];
export const F5: Kind = ["cis.f5.com/v1", "virtualservers", "VirtualServer"];
export const F5_TRANSPORT: Kind = ["cis.f5.com/v1", "transportservers", "TransportServer"];
export const NGINX_POLICY: Kind = ["k8s.nginx.org/v1", "policies", "Policy"];
export const INGRESS_ROUTE: Kind = ["traefik.io/v1alpha1", "ingressroutes", "IngressRoute"];
export const MIDDLEWARE: Kind = ["traefik.io/v1alpha1", "middlewares", "Middleware"];
export const OLD_INGRESS_ROUTE: Kind = ["traefik.containo.us/v1alpha1", "ingressroutes", "IngressRoute"];
export const TLS_OPTION: Kind = ["traefik.io/v1alpha1", "tlsoptions", "TLSOption"];
export const AUTH_SERVICE: Kind = ["getambassador.io/v3alpha1", "authservices", "AuthService"];
export const TOKEN_RULE: Kind = ["security.istio.io/v1", "requestauthentications", "RequestAuthentication"];
export const UPSTREAM: Kind = ["gloo.solo.io/v1", "upstreams", "Upstream"];
export const APISIX_ROUTE: Kind = ["apisix.apache.org/v2", "apisixroutes", "ApisixRoute"];
export const NETWORK_POLICY: Kind = ["cilium.io/v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy"];
export const REDIRECT: Kind = ["cilium.io/v2", "ciliumlocalredirectpolicies", "CiliumLocalRedirectPolicy"];
export const ENVOY: Kind = ["cilium.io/v2", "ciliumenvoyconfigs", "CiliumEnvoyConfig"];
export const ENDPOINT: Kind = ["cilium.io/v2", "ciliumendpoints", "CiliumEndpoint"];
export const ACME_ORDER: Kind = ["acme.cert-manager.io/v1", "orders", "Order"];
export const ACME_CHALLENGE: Kind = ["acme.cert-manager.io/v1", "challenges", "Challenge"];
export const HTTP_ROUTE: Kind = ["gateway.networking.k8s.io/v1", "httproutes", "HTTPRoute"];
export const GATEWAY: Kind = ["gateway.networking.k8s.io/v1", "gateways", "Gateway"];
export const GLOO_VIRTUAL_SERVICE: Kind = ["gateway.solo.io/v1", "virtualservices", "VirtualService"];
export const ROUTE_GROUP: Kind = ["zalando.org/v1", "routegroups", "RouteGroup"];
export const BACKEND: Kind = ["gateway.envoyproxy.io/v1alpha1", "backends", "Backend"];
export const ENVOY_PATCH: Kind = ["gateway.envoyproxy.io/v1alpha1", "envoypatchpolicies", "EnvoyPatchPolicy"];
export const MONITOR: Kind = ["monitoring.coreos.com/v1", "servicemonitors", "ServiceMonitor"];
export const POD_MONITOR: Kind = ["monitoring.coreos.com/v1", "podmonitors", "PodMonitor"];
export const ATTACHMENT: Kind = [
  "k8s.cni.cncf.io/v1",
  "network-attachment-definitions",
  "NetworkAttachmentDefinition",
];

export const SOVEREIGN_SERVICE = "app.sovereign-omantel.svc.cluster.local";
export const FOREIGN_SERVICE = "app.globex-prod.svc";
export const routed = (route: object) => ({ hosts: ["mine.test.example"], http: [route] });
export const to = (host: string) => routed({ route: [{ destination: { host } }] });
export const entry = (members: object) => ({ hosts: ["mine.test.example"], resolution: "DNS", ...members });
export const proxied = (members: object) => ({ virtualhost: { fqdn: "mine.test.example" }, ...members });
const local = { localEndpointSelector: { matchLabels: { app: "mine" } } };
export const redirected = (redirectFrontend: object) => ({ redirectFrontend, redirectBackend: local });
