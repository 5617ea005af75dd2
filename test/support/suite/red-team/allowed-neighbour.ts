import { type Attempt, apply, core, group, jsonPatch, mergePatch, on, onReal, post } from "./attempt.ts";
import {
  ACME_ORDER,
  APISIX_ROUTE,
  BACKEND,
  GATEWAY,
  GLOO_VIRTUAL_SERVICE,
  HOMES,
  HTTP_ROUTE,
  INGRESS_ROUTE,
  type Kind,
  MONITOR,
  POD_MONITOR,
  ROUTE_GROUP,
} from "./destination.ts";
import { configMap, endpointSlice, ingress, job, named, pod, SIGNED, secret, service } from "./object.ts";

const RBAC = "rbac.authorization.k8s.io/v1";
const SLICES = "discovery.k8s.io/v1";
const AUTOSCALING = "autoscaling/v2";

const annotated = (annotations: Record<string, string>) => ({ metadata: { annotations } });

/** Kinds of gateways, of cert-manager and of Prometheus, with what is the team's own. */
const KINDS: readonly [title: string, kind: Kind, spec: (at: string) => object][] = [
  ["orders a certificate of its own host by ACME", ACME_ORDER, () => ({ dnsNames: ["a.acme.example"] })],
  [
    "serves its own hosts by an ApisixRoute",
    APISIX_ROUTE,
    () => ({
      http: [{ name: "a", match: { hosts: ["a.acme.example"], paths: ["/*"] } }],
    }),
  ],
  [
    "serves its own hosts by Gloo",
    GLOO_VIRTUAL_SERVICE,
    () => ({ virtualHost: { domains: ["a.acme.example"] } }),
  ],
  ["serves its own hosts by a RouteGroup", ROUTE_GROUP, () => ({ hosts: ["a.acme.example"] })],
  ["serves a host of another alphabet", HTTP_ROUTE, () => ({ hostnames: ["متجر.example"] })],
  [
    "gives its Gateway a host and a free address",
    GATEWAY,
    () => ({
      addresses: [{ type: "IPAddress", value: "203.0.113.77" }],
      infrastructure: { annotations: { "external-dns.alpha.kubernetes.io/hostname": "gw.acme.example" } },
      listeners: [{ name: "web", port: 443, hostname: "*.acme.example" }],
    }),
  ],
  [
    "uses its own and the platform's Middlewares",
    INGRESS_ROUTE,
    (at) => ({
      routes: [
        {
          match: "Host(`a.acme.example`) && PathRegexp(`^/v\\d+$`)",
          middlewares: [
            { name: "login", namespace: at },
            { name: `${at}-login@kubernetescrd` },
            { name: "compress@file" },
          ],
        },
      ],
      tls: { options: { name: "strict" } },
    }),
  ],
  [
    "names a host outside as a Backend",
    BACKEND,
    () => ({
      endpoints: [{ fqdn: { hostname: "api.payments.example", port: 443 } }],
    }),
  ],
  [
    "has its metrics read",
    MONITOR,
    (at) => ({
      namespaceSelector: { matchNames: [at] },
      endpoints: [{ port: "web", tlsConfig: { ca: { secret: { name: "ca", key: "ca.crt" } } } }],
    }),
  ],
  ["has the metrics of its Pods read", POD_MONITOR, () => ({ podMetricsEndpoints: [{ port: "web" }] })],
];

/** Annotations of an Ingress with the team's own hosts and objects. */
const SETTINGS: readonly ((at: string) => [annotation: string, value: string])[] = [
  () => ["konghq.com/host-aliases", "b.acme.example"],
  () => ["appgw.ingress.kubernetes.io/hostname-extension", "b.acme.example"],
  () => ["haproxy-ingress.github.io/redirect-from", "www.acme.example"],
  () => [
    "alb.ingress.kubernetes.io/conditions.app",
    '[{"field":"host-header","hostHeaderConfig":{"values":["b.acme.example"]}},{"field":"path-pattern","pathPatternConfig":{"values":["/*"]}}]',
  ],
  (at) => ["alb.ingress.kubernetes.io/group.name", `${at}.public`],
  (at) => ["traefik.ingress.kubernetes.io/router.middlewares", `${at}-login@kubernetescrd,auth@file`],
];

/** What a team, and the controllers that work for it, do in their namespace. */
export const ALLOWED_NEIGHBOUR: readonly Attempt[] = HOMES.flatMap(([by, at]) => {
  const can = (title: string, request: Attempt["request"]) => on(`${title} in ${at}`, by, request, "allowed");
  const canReal = (title: string, request: Attempt["request"]) =>
    onReal(`${title} in ${at}`, by, request, "allowed");
  return [
    ...KINDS.map(([title, [version, plural, kind], spec], index) =>
      can(
        title,
        post(group(version, at, plural), named(version, kind, `neighbour-${index}`, { spec: spec(at) })),
      ),
    ),
    ...SETTINGS.map((setting, index) => {
      const [annotation, value] = setting(at);
      return can(
        `sets ${annotation}`,
        post(
          group("networking.k8s.io/v1", at, "ingresses"),
          ingress(`neighbour-${index}`, `${at}-${index}.acme.example`, annotated({ [annotation]: value })),
        ),
      );
    }),
    can(
      "leads a Service to a database outside by an EndpointSlice",
      post(group(SLICES, at, "endpointslices"), endpointSlice("database", "198.51.100.9")),
    ),
    can(
      "marks its endpoints as not ready",
      jsonPatch(group(SLICES, at, "endpointslices/outside"), [
        { op: "add", path: "/endpoints/0/conditions", value: { ready: false } },
      ]),
    ),
    can(
      "elects a leader of its database by Endpoints",
      post(core(at, "endpoints"), {
        ...named("v1", "Endpoints", "leader", annotated({ leader: "db-0" })),
        subsets: [{ addresses: [{ ip: "10.244.9.9" }], ports: [{ port: 5432 }] }],
      }),
    ),
    can(
      "joins a network of its own",
      post(core(at, "pods"), {
        ...pod("joined"),
        metadata: { name: "joined", annotations: { "k8s.v1.cni.cncf.io/networks": `own, ${at}/more@net1` } },
      }),
    ),
    can(
      "asks for an address of its own pool",
      post(core(at, "pods"), {
        ...pod("pinned"),
        metadata: { name: "pinned", annotations: { "cni.projectcalico.org/ipAddrs": '["10.244.9.10"]' } },
      }),
    ),
    can(
      "has a ConfigMap deleted before its Deployment",
      post(core(at, "configmaps"), {
        ...configMap("child"),
        metadata: {
          name: "child",
          ownerReferences: [
            {
              ...{ apiVersion: "apps/v1", kind: "Deployment", name: "app", uid: "u-1" },
              ...{ controller: true, blockOwnerDeletion: true },
            },
          ],
        },
      }),
    ),
    can(
      "runs the hook of a chart",
      post(group("batch/v1", at, "jobs"), {
        ...job("hook"),
        metadata: {
          name: "hook",
          annotations: { "helm.sh/hook": "pre-upgrade", "helm.sh/hook-weight": "-5" },
        },
      }),
    ),
    can(
      "applies a Secret with a host in its text",
      apply(core(at, "secrets/settings"), secret("settings", { stringData: { host: "omantel.test" } })),
    ),
    can(
      "runs a Pod in a user namespace with a token for a vault",
      post(
        core(at, "pods"),
        pod("vaulted", SIGNED, {
          hostUsers: false,
          serviceAccountName: "robot",
          volumes: [
            {
              name: "token",
              projected: {
                sources: [{ serviceAccountToken: { audience: "https://vault.example", path: "t" } }],
              },
            },
          ],
        }),
      ),
    ),
    can(
      "runs a sidecar before its Pod",
      post(
        core(at, "pods"),
        pod("sidecar", SIGNED, {
          initContainers: [{ name: "proxy", image: SIGNED, restartPolicy: "Always" }],
        }),
      ),
    ),
    canReal(
      "limits the resources of a Pod as a whole",
      post(core(at, "pods"), pod("limited", SIGNED, { resources: { limits: { cpu: "1", memory: "64Mi" } } })),
    ),
    canReal(
      "claims a device",
      post(
        group("resource.k8s.io/v1", at, "resourceclaims"),
        named("resource.k8s.io/v1", "ResourceClaim", "wanted", {
          spec: { devices: { requests: [{ name: "a", exactly: { deviceClassName: "gpu.example.org" } }] } },
        }),
      ),
    ),
    canReal(
      "scales its Deployment by its load",
      post(
        group(AUTOSCALING, at, "horizontalpodautoscalers"),
        named(AUTOSCALING, "HorizontalPodAutoscaler", "scaled", {
          spec: {
            maxReplicas: 3,
            scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "app" },
          },
        }),
      ),
    ),
    can(
      "binds a role to read to its own account",
      post(group(RBAC, at, "rolebindings"), {
        ...named(RBAC, "RoleBinding", "reader"),
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
        subjects: [{ kind: "ServiceAccount", name: "robot", namespace: at }],
      }),
    ),
    can(
      "serves a port of its own by a node port",
      post(core(at, "services"), service("node-port", { type: "NodePort" })),
    ),
    can(
      "changes an annotation of a Pod's template",
      mergePatch(group("apps/v1", at, "deployments/app"), {
        spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "now" } } } },
      }),
    ),
  ];
});
