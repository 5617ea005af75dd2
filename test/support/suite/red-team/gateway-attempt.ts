import { type Attempt, group, mergePatch, on, onReal, post } from "./attempt.ts";
import {
  ACME_CHALLENGE,
  ACME_ORDER,
  APISIX_ROUTE,
  BACKEND,
  ENVOY_PATCH,
  GATEWAY,
  GLOO_VIRTUAL_SERVICE,
  HOMES,
  HTTP_ROUTE,
  INGRESS_ROUTE,
  type Kind,
  MIDDLEWARE,
  MONITOR,
  POD_MONITOR,
  ROUTE_GROUP,
  SOVEREIGN_SERVICE,
} from "./destination.ts";
import { ingress, named, SOVEREIGN_ADDRESS } from "./object.ts";

const HOST = "sovereign-host";
const ROUTED = "ingress-annotation";
const ADDRESSED = "service-address";
const MATCH = "Host(`mine.test.example`)";
const ALB = "alb.ingress.kubernetes.io";

/** Annotations by which a controller serves more hosts than an Ingress names. */
const ALIASES: readonly [annotation: string, value: string][] = [
  ["konghq.com/host-aliases", "mine.test.example,omantel.test"],
  ["appgw.ingress.kubernetes.io/hostname-extension", "mine.test.example, omantel.test"],
  ["haproxy-ingress.github.io/redirect-from", "omantel.test"],
  ["haproxy-ingress.github.io/redirect-from-regex", "^omantel[.]test$"],
  [
    `${ALB}/conditions.app`,
    '[{"field":"host-header","hostHeaderConfig":{"values":["mine.test.example","omantel.test"]}}]',
  ],
  [`${ALB}/conditions.app`, '[{"field":"host-header","hostHeaderConfig":{"regexValues":["^omantel.*"]}}]'],
  [`${ALB}/conditions.app`, '[{"field":"host-header","hostHeaderConfig":{"values":["oman\\u0074el.test"]}}]'],
];

/** Annotations by which an Ingress configures or uses what belongs to others. */
const SETTINGS: readonly [annotation: string, value: string][] = [
  ["haproxy-ingress.github.io/config-backend", "http-request set-header a b"],
  ["haproxy-ingress.github.io/config-frontend", "http-request deny"],
  ["haproxy-ingress.github.io/auth-tls-secret", "secret://sovereign-omantel/credentials"],
  ["haproxy.org/server-crt", "sovereign-omantel/credentials"],
  [`${ALB}/group.name`, "marketplace"],
  [
    "traefik.ingress.kubernetes.io/router.middlewares",
    "shop-own@kubernetescrd,globex-prod-login@kubernetescrd",
  ],
  ["traefik.ingress.kubernetes.io/router.tls.options", "sovereign-omantel-client@kubernetescrd"],
  ["traefik.ingress.kubernetes.io/service.serverstransport", "sovereign-omantel-client@kubernetescrd"],
];

const routed = (route: object) => ({ routes: [{ match: MATCH, ...route }] });

/** Kinds that claim hosts, call others or take their addresses. */
const KINDS: readonly [title: string, kind: Kind, spec: object, expected: Attempt["expected"]][] = [
  [
    "receives the traffic of a target group of others",
    ["elbv2.k8s.aws/v1beta1", "targetgroupbindings", "TargetGroupBinding"],
    {
      serviceRef: { name: "app", port: 80 },
      targetGroupARN: "arn:aws:elasticloadbalancing:x:1:targetgroup/y/z",
    },
    ADDRESSED,
  ],
  ["orders a certificate of a Sovereign's host by ACME", ACME_ORDER, { dnsNames: ["omantel.test"] }, HOST],
  [
    "publishes a DNS record that proves a Sovereign's host to a certificate authority",
    ACME_CHALLENGE,
    { dnsName: "omantel.test", type: "DNS-01", key: "chosen" },
    HOST,
  ],
  [
    "serves a Sovereign's host by escapes in a router's text",
    INGRESS_ROUTE,
    { routes: [{ match: 'Host("omantel\\x2etest")' }] },
    HOST,
  ],
  [
    "serves a Sovereign's host with a carriage return in a router's text",
    INGRESS_ROUTE,
    { routes: [{ match: "Host(`oman\rtel.test`)" }] },
    HOST,
  ],
  [
    "serves a Sovereign's host behind an escaped quotation mark",
    INGRESS_ROUTE,
    {
      routes: [
        { match: 'PathPrefix("\\") && Host(`mine.test.example`) && PathPrefix("/\\") || PathPrefix("/")' },
      ],
    },
    HOST,
  ],
  [
    "serves a Sovereign's host in letters of full width",
    HTTP_ROUTE,
    { hostnames: ["\uff4f\uff4d\uff41\uff4e\uff54\uff45\uff4c\uff0e\uff54\uff45\uff53\uff54"] },
    HOST,
  ],
  [
    "serves a Sovereign's host with invisible marks",
    HTTP_ROUTE,
    { hostnames: ["oman\u00adtel.te\u200bst"] },
    HOST,
  ],
  [
    "serves every host by an ApisixRoute without hosts",
    APISIX_ROUTE,
    { http: [{ name: "a", priority: 99, match: { paths: ["/*"] } }] },
    HOST,
  ],
  [
    "serves every host by a VirtualService of Gloo without domains",
    GLOO_VIRTUAL_SERVICE,
    { virtualHost: { routes: [] } },
    HOST,
  ],
  ["serves every host by a RouteGroup without hosts", ROUTE_GROUP, { routes: [{ path: "/" }] }, HOST],
  [
    "takes a Sovereign's host in DNS by the annotations of a Gateway's Service",
    GATEWAY,
    { infrastructure: { annotations: { "external-dns.alpha.kubernetes.io/hostname": "omantel.test" } } },
    HOST,
  ],
  [
    "takes the address of a Sovereign by a Gateway",
    GATEWAY,
    { addresses: [{ type: "IPAddress", value: SOVEREIGN_ADDRESS }], listeners: [] },
    ADDRESSED,
  ],
  [
    "takes the address of a Sovereign by the annotations of a Gateway's Service",
    GATEWAY,
    { infrastructure: { annotations: { "metallb.io/loadBalancerIPs": SOVEREIGN_ADDRESS } } },
    ADDRESSED,
  ],
  [
    "uses a Sovereign's Middleware",
    INGRESS_ROUTE,
    routed({ middlewares: [{ name: "login", namespace: "sovereign-omantel" }] }),
    ROUTED,
  ],
  [
    "uses a Sovereign's Middleware by its full name",
    INGRESS_ROUTE,
    routed({ middlewares: [{ name: "sovereign-omantel-login@kubernetescrd" }] }),
    ROUTED,
  ],
  [
    "uses a Sovereign's Middleware in a chain",
    MIDDLEWARE,
    { chain: { middlewares: [{ name: "login", namespace: "sovereign-omantel" }] } },
    ROUTED,
  ],
  [
    "uses a Sovereign's client certificate by a transport",
    INGRESS_ROUTE,
    routed({ services: [{ name: "app", serversTransport: "sovereign-omantel-client@kubernetescrd" }] }),
    ROUTED,
  ],
  [
    "uses a Sovereign's TLS options",
    INGRESS_ROUTE,
    { ...routed({}), tls: { options: { name: "client", namespace: "sovereign-omantel" } } },
    ROUTED,
  ],
  [
    "calls a Sovereign's Service by a Backend of Envoy Gateway",
    BACKEND,
    { endpoints: [{ fqdn: { hostname: SOVEREIGN_SERVICE, port: 8085 } }] },
    ROUTED,
  ],
  [
    "calls the node's metadata by a Backend of Envoy Gateway",
    BACKEND,
    { endpoints: [{ ip: { address: "169.254.169.254", port: 80 } }] },
    ROUTED,
  ],
  [
    "calls a socket of the gateway by a Backend of Envoy Gateway",
    BACKEND,
    { endpoints: [{ unix: { path: "/var/run/admin.sock" } }] },
    ROUTED,
  ],
  [
    "configures the gateway itself by an EnvoyPatchPolicy",
    ENVOY_PATCH,
    { type: "JSONPatch", jsonPatches: [{ name: "a" }] },
    ROUTED,
  ],
  [
    "has Prometheus send it the token of Prometheus",
    MONITOR,
    { endpoints: [{ port: "web", bearerTokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token" }] },
    ROUTED,
  ],
  [
    "has Prometheus send it a client certificate of Prometheus",
    MONITOR,
    { endpoints: [{ port: "web", tlsConfig: { certFile: "/etc/tls/a.crt", keyFile: "/etc/tls/a.key" } }] },
    ROUTED,
  ],
  [
    "reads a Sovereign's metrics by a ServiceMonitor",
    MONITOR,
    { namespaceSelector: { matchNames: ["sovereign-omantel"] }, endpoints: [{ port: "web" }] },
    ROUTED,
  ],
  [
    "reads the metrics of all namespaces by a PodMonitor",
    POD_MONITOR,
    { namespaceSelector: { any: true }, podMetricsEndpoints: [{ port: "web" }] },
    ROUTED,
  ],
];

export const GATEWAY_ATTEMPTS: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...ALIASES.map(([annotation, value], index) =>
    on(
      `serves a Sovereign's host by ${annotation} (${index + 1}) in ${at}`,
      by,
      post(
        group("networking.k8s.io/v1", at, "ingresses"),
        ingress("evil", "mine.test.example", { metadata: { annotations: { [annotation]: value } } }),
      ),
      HOST,
    ),
  ),
  ...SETTINGS.map(([annotation, value]) =>
    on(
      `sets ${annotation} to what is not its own in ${at}`,
      by,
      mergePatch(group("networking.k8s.io/v1", at, "ingresses/app"), {
        metadata: { annotations: { [annotation]: value } },
      }),
      ROUTED,
    ),
  ),
  ...KINDS.map(([title, [version, plural, kind], spec, expected]) =>
    // The definition of Challenges, which a webhook converts, is on the real API server only.
    (plural === "challenges" ? onReal : on)(
      `${title} in ${at}`,
      by,
      post(group(version, at, plural), named(version, kind, "evil", { spec })),
      expected,
    ),
  ),
]);
