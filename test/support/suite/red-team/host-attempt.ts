import { type Attempt, apply, core, group, jsonPatch, mergePatch, on, post } from "./attempt.ts";
import {
  annotated,
  annotatedDeployment,
  certificate,
  ingress,
  named,
  pod,
  SIGNED,
  service,
} from "./object.ts";
import type { Person } from "./person.ts";

/** The host of Sovereign omantel. */
const HOST = "omantel.test";
/** The host of Sovereign quoll. */
const UNNAMED_HOST = "desert.test";
const NGINX = "nginx.ingress.kubernetes.io";
const EXTERNAL_DNS = "external-dns.alpha.kubernetes.io";
const INGRESSES = "networking.k8s.io/v1";
const GATEWAYS = "gateway.networking.k8s.io/v1";

/** An ordinary namespace, and an environment with one of its members. */
const HOMES: readonly [Person, string][] = [
  ["stranger", "shop"],
  ["amal", "acme-prod"],
];

/** Kinds that ask for host names: title, API version, collection, kind and spec. */
const CLAIMS: readonly [string, string, string, string, object][] = [
  ["a Certificate", "cert-manager.io/v1", "certificates", "Certificate", { dnsNames: ["a.test", HOST] }],
  ["a Certificate's common name", "cert-manager.io/v1", "certificates", "Certificate", { commonName: HOST }],
  [
    "a wildcard Certificate",
    "cert-manager.io/v1",
    "certificates",
    "Certificate",
    { dnsNames: ["*.omantel.test"] },
  ],
  ["an HTTPRoute", GATEWAYS, "httproutes", "HTTPRoute", { hostnames: [HOST] }],
  ["an HTTPRoute in upper case", GATEWAYS, "httproutes", "HTTPRoute", { hostnames: ["OMANTEL.TEST"] }],
  ["an HTTPRoute with a last dot", GATEWAYS, "httproutes", "HTTPRoute", { hostnames: ["omantel.test."] }],
  ["a TLSRoute", GATEWAYS, "tlsroutes", "TLSRoute", { hostnames: ["*.test"] }],
  ["a GRPCRoute", GATEWAYS, "grpcroutes", "GRPCRoute", { hostnames: [HOST] }],
  ["a Gateway", GATEWAYS, "gateways", "Gateway", { listeners: [{ hostname: "*.omantel.test" }] }],
  [
    "an Istio VirtualService",
    "networking.istio.io/v1",
    "virtualservices",
    "VirtualService",
    { hosts: [HOST] },
  ],
  [
    "an Istio VirtualService of every host",
    "networking.istio.io/v1",
    "virtualservices",
    "VirtualService",
    { hosts: ["*"] },
  ],
  [
    "an Istio VirtualService of a Sovereign's Service",
    "networking.istio.io/v1",
    "virtualservices",
    "VirtualService",
    { hosts: ["app.sovereign-omantel.svc.cluster.local"] },
  ],
  [
    "an Istio Gateway",
    "networking.istio.io/v1",
    "gateways",
    "Gateway",
    { servers: [{ hosts: ["./omantel.test"] }] },
  ],
  [
    "an Istio ServiceEntry",
    "networking.istio.io/v1",
    "serviceentries",
    "ServiceEntry",
    { hosts: [HOST], location: "MESH_EXTERNAL" },
  ],
  [
    "a Traefik IngressRoute",
    "traefik.io/v1alpha1",
    "ingressroutes",
    "IngressRoute",
    { routes: [{ match: "PathPrefix(`/x`) && Host(`a.test`, `omantel.test`)" }] },
  ],
  [
    "a Traefik IngressRoute without a host",
    "traefik.io/v1alpha1",
    "ingressroutes",
    "IngressRoute",
    { routes: [{ match: "Host(`a.test`) || PathPrefix(`/billing`)", priority: 10_000 }] },
  ],
  [
    "a Traefik IngressRoute by pattern",
    "traefik.io/v1alpha1",
    "ingressroutes",
    "IngressRoute",
    { routes: [{ match: "HostRegexp(`^omantel`)" }] },
  ],
  ["an OpenShift Route", "route.openshift.io/v1", "routes", "Route", { host: HOST }],
  [
    "a Contour HTTPProxy",
    "projectcontour.io/v1",
    "httpproxies",
    "HTTPProxy",
    { virtualhost: { fqdn: HOST } },
  ],
  [
    "a DNSEndpoint",
    "externaldns.k8s.io/v1alpha1",
    "dnsendpoints",
    "DNSEndpoint",
    { endpoints: [{ dnsName: HOST, targets: ["203.0.113.9"] }] },
  ],
];

const claims: readonly Attempt[] = HOMES.flatMap(([by, at]) =>
  CLAIMS.map(([title, version, plural, kind, spec]) =>
    on(
      `claims a Sovereign's host by ${title} in ${at}`,
      by,
      post(group(version, at, plural), named(version, kind, "mine", { spec })),
      "sovereign-host",
    ),
  ),
);

const hostAnnotations: readonly [string, string][] = [
  [`${NGINX}/server-alias`, "a.test OMANTEL.test."],
  [`${NGINX}/server-alias`, "~^omantel"],
  ["haproxy-ingress.github.io/server-alias", HOST],
  [`${EXTERNAL_DNS}/hostname`, `a.test,${HOST}`],
  [`${EXTERNAL_DNS}/internal-hostname`, HOST],
];

const annotations: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...hostAnnotations.map(([annotation, value]) =>
    on(
      `claims a Sovereign's host by ${annotation}: ${value} in ${at}`,
      by,
      mergePatch(group(INGRESSES, at, "ingresses/app"), annotated(annotation, value)),
      "sovereign-host",
    ),
  ),
  on(
    `claims a Sovereign's host without www. in ${at}`,
    by,
    post(group(INGRESSES, at, "ingresses"), {
      ...ingress("www", `www.${HOST}`),
      metadata: { name: "www", ...annotated(`${NGINX}/from-to-www-redirect`, "true").metadata },
    }),
    "sovereign-host",
  ),
  on(
    `claims a Sovereign's host by a Service's DNS name in ${at}`,
    by,
    mergePatch(core(at, "services/app"), annotated(`${EXTERNAL_DNS}/hostname`, HOST)),
    "sovereign-host",
  ),
  on(
    `claims a Sovereign's host by a Pod's DNS name in ${at}`,
    by,
    post(core(at, "pods"), {
      ...pod("named", SIGNED),
      metadata: { name: "named", ...annotated(`${EXTERNAL_DNS}/hostname`, HOST).metadata },
    }),
    "sovereign-host",
  ),
  on(
    `claims a Sovereign's host by the Pods of a Deployment in ${at}`,
    by,
    post(
      group("apps/v1", at, "deployments"),
      annotatedDeployment("named", { [`${EXTERNAL_DNS}/hostname`]: HOST }),
    ),
    "sovereign-host",
  ),
]);

const controllerAnnotations: readonly [string, string, string][] = [
  ["a server snippet", `${NGINX}/server-snippet`, "return 200;"],
  ["a configuration snippet", `${NGINX}/configuration-snippet`, "more_set_headers 'a: b';"],
  ["an authentication snippet", `${NGINX}/auth-snippet`, "proxy_set_header a b;"],
  ["a stream snippet", `${NGINX}/stream-snippet`, "server { listen 1; }"],
  ["a snippet of another controller", "nginx.org/server-snippets", "return 200;"],
  ["directives in an address (CVE-2025-24514)", `${NGINX}/auth-url`, "http://a/#;}\nssl_engine x"],
  ["directives in a redirect (CVE-2023-5044)", `${NGINX}/permanent-redirect`, "http://a;return 200"],
  ["the Secret of another namespace", `${NGINX}/auth-secret`, "globex-prod/credentials"],
  ["the CA of another namespace", `${NGINX}/auth-tls-secret`, "sovereign-omantel/credentials"],
  [
    "a Sovereign's Service to ask",
    `${NGINX}/auth-url`,
    "http://billing.sovereign-omantel.svc.cluster.local:8085/",
  ],
  ["a Service to ask that visitors choose", `${NGINX}/auth-url`, "http://$arg_host/"],
  ["its own status port to ask", `${NGINX}/auth-url`, "http://127.0.0.1:10246/"],
  [
    "another Organization's Service to copy requests to",
    `${NGINX}/mirror-target`,
    "http://app.globex-prod.svc$request_uri",
  ],
  [
    "the host of a Sovereign's Service",
    `${NGINX}/upstream-vhost`,
    "billing.sovereign-omantel.svc.cluster.local",
  ],
  ["a Service of the platform by HAProxy", "haproxy-ingress.github.io/auth-url", "svc://kube-system/app:80/"],
];

const snippets: readonly Attempt[] = HOMES.flatMap(([by, at]) =>
  controllerAnnotations.map(([title, annotation, value]) =>
    on(
      `gives the ingress controller ${title} in ${at}`,
      by,
      mergePatch(group(INGRESSES, at, "ingresses/app"), annotated(annotation, value)),
      "ingress-annotation",
    ),
  ),
);

const OTHER_HOSTS: readonly Attempt[] = [
  on(
    "has Traefik ask a Sovereign's Service",
    "stranger",
    post(
      group("traefik.io/v1alpha1", "shop", "middlewares"),
      named("traefik.io/v1alpha1", "Middleware", "mine", {
        spec: { forwardAuth: { address: "http://billing.sovereign-omantel.svc:8085" } },
      }),
    ),
    "ingress-annotation",
  ),
  on(
    "takes over a Sovereign's host by JSON patch",
    "stranger",
    jsonPatch(group(INGRESSES, "shop", "ingresses/app"), [
      { op: "replace", path: "/spec/rules/0/host", value: HOST },
    ]),
    "sovereign-host",
  ),
  on(
    "takes over a Sovereign's host by server-side apply",
    "amal",
    apply(group(INGRESSES, "acme-prod", "ingresses/applied"), ingress("applied", "*.test")),
    "sovereign-host",
  ),
  on(
    "requests a certificate of a Sovereign's host with a key of its own",
    "stranger",
    post(
      group("cert-manager.io/v1", "shop", "certificaterequests"),
      certificate("CertificateRequest", { request: Buffer.from(`\x82\x0c${HOST}`).toString("base64") }),
    ),
    "sovereign-host",
  ),
  on(
    "asks for a Sovereign's host under a generated name",
    "ordinaryAccount",
    post(group(INGRESSES, "shop", "ingresses"), {
      ...ingress("", HOST),
      metadata: { generateName: "mine-" },
    }),
    "sovereign-host",
  ),
  on(
    "serves a Sovereign's host that does not contain the Sovereign's name",
    "stranger",
    post(group(INGRESSES, "shop", "ingresses"), ingress("desert", UNNAMED_HOST)),
    "sovereign-host",
  ),
  on(
    "takes as its branding host a Sovereign's host without that Sovereign's name",
    "omantel",
    mergePatch("/apis/catalyst.openova.io/v1alpha1/sovereigns/omantel", {
      spec: { branding: { hostname: UNNAMED_HOST } },
    }),
    "sovereign-host",
  ),
  on(
    "serves a Sovereign's host as a Service of its own",
    "omantel",
    post(core("shop", "services"), {
      ...service("mine"),
      metadata: { name: "mine", ...annotated(`${EXTERNAL_DNS}/hostname`, "ooredoo.test").metadata },
    }),
    "sovereign-host",
  ),
];

export const HOST_ATTEMPTS: readonly Attempt[] = [...claims, ...annotations, ...snippets, ...OTHER_HOSTS];
