import { type Attempt, apply, core, group, mergePatch, on, onReal, post, put, remove } from "./attempt.ts";
import {
  configMap,
  cronJob,
  deployment,
  ingress,
  job,
  named,
  pod,
  role,
  roleBinding,
  SIGNED,
  secret,
  service,
  serviceAccount,
  statefulSet,
} from "./object.ts";
import type { Person } from "./person.ts";

const can = (title: string, by: Person, request: Attempt["request"]) => on(title, by, request, "allowed");
const canReal = (title: string, by: Person, request: Attempt["request"]) =>
  onReal(title, by, request, "allowed");

const ENVIRONMENT = "acme-prod";
const GATEWAYS = "gateway.networking.k8s.io/v1";
const CERTIFICATES = "cert-manager.io/v1";
const ISTIO = "networking.istio.io/v1";
const NGINX = "nginx.ingress.kubernetes.io";
const EXTERNAL_DNS = "external-dns.alpha.kubernetes.io";

const annotated = (annotations: Record<string, string>) => ({ metadata: { annotations } });

/** Kinds of other products, with hosts of the member's own. */
const HOSTS: readonly [string, string, string, object][] = [
  ["cert-manager.io/v1", "certificates", "Certificate", { dnsNames: ["acme.example", "*.acme.example"] }],
  [
    GATEWAYS,
    "httproutes",
    "HTTPRoute",
    {
      hostnames: ["acme.example"],
      rules: [{ filters: [{ requestRedirect: { hostname: "omantel.test" } }] }],
    },
  ],
  [GATEWAYS, "gateways", "Gateway", { listeners: [{ hostname: "*.acme.example" }, { port: 80 }] }],
  [GATEWAYS, "tlsroutes", "TLSRoute", { hostnames: ["acme.example"] }],
  [
    ISTIO,
    "virtualservices",
    "VirtualService",
    { hosts: ["acme.example", "web"], http: [{ route: [{ destination: { host: "omantel.test" } }] }] },
  ],
  [ISTIO, "gateways", "Gateway", { servers: [{ hosts: ["acme-prod/acme.example"] }] }],
  [ISTIO, "serviceentries", "ServiceEntry", { hosts: ["api.payments.example"] }],
  [
    "traefik.io/v1alpha1",
    "ingressroutes",
    "IngressRoute",
    { routes: [{ match: "Host(`acme.example`) && PathPrefix(`/`)" }] },
  ],
  ["route.openshift.io/v1", "routes", "Route", { host: "acme.example" }],
  ["projectcontour.io/v1", "httpproxies", "HTTPProxy", { virtualhost: { fqdn: "acme.example" } }],
  [
    "externaldns.k8s.io/v1alpha1",
    "dnsendpoints",
    "DNSEndpoint",
    { endpoints: [{ dnsName: "acme.example" }] },
  ],
];

const MEMBER_PRODUCTS: readonly Attempt[] = [
  ...HOSTS.map(([version, plural, kind, spec]) =>
    can(
      `serves its own host by a ${kind} of ${version}`,
      "amal",
      post(group(version, ENVIRONMENT, plural), named(version, kind, "own", { spec })),
    ),
  ),
  can(
    "creates an Ingress with plain settings",
    "amal",
    post(
      group("networking.k8s.io/v1", ENVIRONMENT, "ingresses"),
      ingress("settings", "app.acme.example", {
        metadata: {
          name: "settings",
          annotations: {
            [`${NGINX}/rewrite-target`]: "/$2",
            [`${NGINX}/auth-secret`]: "basic",
            [`${NGINX}/auth-url`]: "https://auth.acme.example/check?a=b",
            [`${NGINX}/server-alias`]: "www.acme.example",
            [`${NGINX}/from-to-www-redirect`]: "true",
            "cert-manager.io/cluster-issuer": "public",
          },
        },
      }),
    ),
  ),
  can(
    "gives its Service a DNS name",
    "amal",
    mergePatch(
      core(ENVIRONMENT, "services/app"),
      annotated({ [`${EXTERNAL_DNS}/hostname`]: "app.acme.example" }),
    ),
  ),
  can(
    "exposes a Service by a load balancer",
    "amal",
    post(core(ENVIRONMENT, "services"), service("public", { type: "LoadBalancer" })),
  ),
  can(
    "creates a headless Service",
    "amal",
    post(core(ENVIRONMENT, "services"), service("headless", { clusterIP: "None" })),
  ),
  ...["db.example.com", "app.org-acme.svc.cluster.local", "app.shop.svc"].map((name, index) =>
    can(
      `names ${name} by a Service`,
      "amal",
      post(
        core(ENVIRONMENT, "services"),
        service(`external-${index}`, { type: "ExternalName", externalName: name }),
      ),
    ),
  ),
];

const release = (name: string, members: object = {}) =>
  secret(name, { type: "helm.sh/release.v1", ...members });

/** The requests of helm-controller for a release: it impersonates the account that the HelmRelease names. */
const CHART: readonly Attempt[] = [
  ...(["acmeAccount", "ordinaryAccount"] as const).flatMap((by) => {
    const at = by === "acmeAccount" ? ENVIRONMENT : "shop";
    return [
      can(`stores a release in ${at}`, by, post(core(at, "secrets"), release("sh.helm.release.v1.chart.v1"))),
      can(
        `marks a release in ${at}`,
        by,
        mergePatch(core(at, "secrets/sh.helm.release.v1.chart.v1"), {
          metadata: { labels: { status: "deployed" } },
        }),
      ),
    ];
  }),
  can("deletes an old release", "stranger", remove(core("shop", "secrets/sh.helm.release.v1.seed.v1"))),
  ...[
    post(core(ENVIRONMENT, "serviceaccounts"), serviceAccount("chart")),
    post(core(ENVIRONMENT, "configmaps"), configMap("chart")),
    post(
      core(ENVIRONMENT, "secrets"),
      secret("chart", { type: "kubernetes.io/tls", data: { "tls.crt": "", "tls.key": "" } }),
    ),
    post(core(ENVIRONMENT, "services"), service("chart")),
    post(
      group("apps/v1", ENVIRONMENT, "deployments"),
      deployment("chart", SIGNED, { serviceAccountName: "chart" }),
    ),
    post(group("apps/v1", ENVIRONMENT, "statefulsets"), statefulSet("chart")),
    post(group("batch/v1", ENVIRONMENT, "jobs"), job("chart-migrate")),
    post(group("batch/v1", ENVIRONMENT, "cronjobs"), cronJob("chart")),
    post(group("networking.k8s.io/v1", ENVIRONMENT, "ingresses"), ingress("chart", "chart.acme.example")),
    post(
      group("networking.k8s.io/v1", ENVIRONMENT, "networkpolicies"),
      named("networking.k8s.io/v1", "NetworkPolicy", "chart", { spec: { podSelector: {} } }),
    ),
    post(
      group("policy/v1", ENVIRONMENT, "poddisruptionbudgets"),
      named("policy/v1", "PodDisruptionBudget", "chart", { spec: { maxUnavailable: 1 } }),
    ),
    post(
      group("rbac.authorization.k8s.io/v1", ENVIRONMENT, "roles"),
      role("chart", { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "watch"] }),
    ),
    apply(core(ENVIRONMENT, "configmaps/chart"), configMap("chart", { data: { colour: "green" } })),
    put(core(ENVIRONMENT, "configmaps/chart"), configMap("chart", { data: { colour: "blue" } })),
    remove(group("batch/v1", ENVIRONMENT, "jobs/chart-migrate")),
  ].map((request) =>
    can(
      `installs a chart: ${request.method} ${request.path.split(`${ENVIRONMENT}/`)[1]}`,
      "acmeAccount",
      request,
    ),
  ),
];

const CONTROLLERS: readonly Attempt[] = [
  can(
    "requests what a Certificate of an ordinary namespace asks for",
    "certManager",
    post(
      group(CERTIFICATES, "shop", "certificaterequests"),
      named(CERTIFICATES, "CertificateRequest", "site", {
        spec: { request: Buffer.from("\x82\x0cshop.example").toString("base64") },
      }),
    ),
  ),
  can(
    "writes the certificate of an environment",
    "certManager",
    post(
      core(ENVIRONMENT, "secrets"),
      secret("shop-tls", { type: "kubernetes.io/tls", data: { "tls.crt": "", "tls.key": "" } }),
    ),
  ),
  can(
    "reports on a Certificate",
    "certManager",
    mergePatch(group(CERTIFICATES, ENVIRONMENT, "certificates/site/status"), { status: { revision: 1 } }),
  ),
  ...["shop", ENVIRONMENT].map((at) =>
    can(
      `assigns the address of a load balancer in ${at}`,
      "ingressNginx",
      mergePatch(core(at, "services/balanced/status"), {
        status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } },
      }),
    ),
  ),
  can(
    "writes a Secret that an Organization asked for",
    "externalSecrets",
    post(core(ENVIRONMENT, "secrets"), secret("from-vault-2")),
  ),
  // Organization acme lists the operator's account among its members.
  ...[
    post(core(ENVIRONMENT, "pods"), pod("database-1")),
    post(core(ENVIRONMENT, "services"), service("database-rw")),
    post(core(ENVIRONMENT, "secrets"), secret("database-app")),
    post(
      group("policy/v1", ENVIRONMENT, "poddisruptionbudgets"),
      named("policy/v1", "PodDisruptionBudget", "database", { spec: { minAvailable: 1 } }),
    ),
    post(core(ENVIRONMENT, "serviceaccounts"), serviceAccount("database")),
    post(
      group("rbac.authorization.k8s.io/v1", ENVIRONMENT, "roles"),
      role("database", { apiGroups: [""], resources: ["secrets"], verbs: ["get"] }),
    ),
    remove(core(ENVIRONMENT, "pods/database-1")),
  ].map((request) =>
    can(
      `keeps the database of an Organization that it is a member of: ${request.method} ${request.path.split(`${ENVIRONMENT}/`)[1]}`,
      "cloudNativePg",
      request,
    ),
  ),
  can(
    "runs a Pod with a signed image in an ordinary namespace",
    "cloudNativePg",
    post(core("shop", "pods"), pod("database-1")),
  ),
  canReal(
    "claims a volume for the database",
    "cloudNativePg",
    post(
      core(ENVIRONMENT, "persistentvolumeclaims"),
      named("v1", "PersistentVolumeClaim", "database-1", {
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
      }),
    ),
  ),
  can(
    "scales a Deployment for the HorizontalPodAutoscaler",
    "autoscaler",
    mergePatch(group("apps/v1", ENVIRONMENT, "deployments/app/scale"), { spec: { replicas: 4 } }),
  ),
  can(
    "adds no subject",
    "acmeAccount",
    put(
      group("rbac.authorization.k8s.io/v1", ENVIRONMENT, "rolebindings/own"),
      roleBinding("own", "view", "somebody"),
    ),
  ),
];

export const ALLOWED_PRODUCT: readonly Attempt[] = [...MEMBER_PRODUCTS, ...CHART, ...CONTROLLERS];
