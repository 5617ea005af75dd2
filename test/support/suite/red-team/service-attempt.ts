import {
  type Attempt,
  apply,
  core,
  group,
  mergePatch,
  on,
  onReal,
  post,
  put,
  remove,
  strategicPatch,
} from "./attempt.ts";
import { named as object, secret, service } from "./object.ts";
import type { Person } from "./person.ts";

/** An ordinary namespace, and an environment with one of its members. */
const HOMES: readonly [Person, string][] = [
  ["stranger", "shop"],
  ["amal", "acme-prod"],
];

const specs: readonly [string, object][] = [
  ["with an external address (CVE-2020-8554)", { externalIPs: ["203.0.113.7"] }],
  ["named after a Sovereign's Service", named("app.sovereign-omantel.svc.cluster.local")],
  ["named after another Organization's Service", named("app.globex-prod.svc")],
  ["named after a Service of the platform", named("app.kube-system.svc.cluster.local")],
  ["with a short name of a guarded Service", named("app.catalyst-system")],
  ["named after a Pod of another Organization", named("10-0-0-1.globex-prod.pod.cluster.local")],
  ["named after the ingress controller itself", named("localhost")],
  ["named after an address of the node", named("169.254.169.254")],
  ["named after an address in hexadecimal", named("0x7f000001")],
];

function named(externalName: string) {
  return { type: "ExternalName", externalName };
}

const SERVICES: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...specs.map(([title, spec]) =>
    on(
      `creates a Service ${title} in ${at}`,
      by,
      post(core(at, "services"), service("mine", spec as Record<string, unknown>)),
      "service-address",
    ),
  ),
  on(
    `gives its Service an external address in ${at}`,
    by,
    strategicPatch(core(at, "services/app"), { spec: { externalIPs: ["203.0.113.7"] } }),
    "service-address",
  ),
  on(
    `gives its Service the address of a load balancer by its status in ${at}`,
    by,
    mergePatch(core(at, "services/balanced/status"), {
      status: { loadBalancer: { ingress: [{ ip: "203.0.113.7" }] } },
    }),
    "service-address",
  ),
  on(
    `applies a Service with an external address in ${at}`,
    by,
    apply(core(at, "services/applied"), service("applied", { externalIPs: ["203.0.113.7"] })),
    "service-address",
  ),
]);

const release = (name: string) =>
  secret(name, { type: "helm.sh/release.v1", metadata: { labels: { owner: "helm", name: "shop" } } });
const RELEASES: readonly Attempt[] = [
  ...HOMES.map(([by, at]) =>
    on(
      `forges a release to which Helm rolls back in ${at}`,
      by,
      post(core(at, "secrets"), release("sh.helm.release.v1.shop.v1")),
      "helm-release-secret",
    ),
  ),
  // Helm ignores the type of the Secret.
  ...HOMES.flatMap(([by, at]) =>
    [
      secret("sh.helm.release.v1.opaque.v1"),
      secret("opaque", { metadata: { labels: { owner: "helm", name: "shop" } } }),
    ].map((it) =>
      on(
        `forges a release as an Opaque Secret ${it.metadata.name} in ${at}`,
        by,
        post(core(at, "secrets"), it),
        "helm-release-secret",
      ),
    ),
  ),
  on(
    "turns a Secret of another kind into a release",
    "stranger",
    mergePatch(core("shop", "secrets/credentials"), { metadata: { labels: { owner: "helm" } } }),
    "helm-release-secret",
  ),
  ...(["shop", "acme-prod"] as const).map((at) =>
    on(
      `forges a release with the token of the release's account in ${at}`,
      at === "shop" ? "ordinaryTokenHolder" : "acmeTokenHolder",
      post(core(at, "secrets"), release("sh.helm.release.v1.shop.v1")),
      "helm-release-secret",
    ),
  ),
  on(
    "stores a release in an ordinary namespace as an account of another",
    "acmeAccount",
    post(core("shop", "secrets"), release("sh.helm.release.v1.shop.v1")),
    "helm-release-secret",
  ),
  on(
    "changes the release that is installed",
    "stranger",
    put(core("shop", "secrets/sh.helm.release.v1.seed.v1"), {
      ...release("sh.helm.release.v1.seed.v1"),
      stringData: { release: "evil" },
    }),
    "helm-release-secret",
  ),
];

const SLICES = group("discovery.k8s.io/v1", "default", "endpointslices");
/** The real API server makes Service kubernetes. */
const CLUSTER_SERVICE: readonly Attempt[] = [
  on(
    "leads the Service of the API server to its own Pod",
    "stranger",
    post(
      SLICES,
      object("discovery.k8s.io/v1", "EndpointSlice", "intruder", {
        metadata: { labels: { "kubernetes.io/service-name": "kubernetes" } },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.1.2.3"] }],
        ports: [{ name: "https", port: 6443, protocol: "TCP" }],
      }),
    ),
    "service-address",
  ),
  onReal(
    "changes the port of the API server's Service",
    "stranger",
    mergePatch(core("default", "services/kubernetes"), {
      spec: { ports: [{ name: "https", port: 443, targetPort: 9999 }] },
    }),
    "service-address",
  ),
  onReal(
    "deletes the API server's Service",
    "stranger",
    remove(core("default", "services/kubernetes")),
    "service-address",
  ),
];

export const SERVICE_ATTEMPTS: readonly Attempt[] = [...SERVICES, ...RELEASES, ...CLUSTER_SERVICE];
