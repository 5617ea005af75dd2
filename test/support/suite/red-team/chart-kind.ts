import { SIGNED } from "./object.ts";

const KEDA = "keda.sh/v1alpha1";
const SECURITY = "security.istio.io/v1";
const MONITORING = "monitoring.coreos.com/v1";
const GATEWAYS = "gateway.networking.k8s.io/v1";
const CERTIFICATES = "cert-manager.io/v1";

/** Custom kinds as a team writes them beside the charts of these products: title, version, plural, kind and spec. */
export const CHART_KINDS: readonly [string, string, string, string, (at: string) => object][] = [
  [
    "alerts on its own metrics (kube-prometheus-stack)",
    MONITORING,
    "prometheusrules",
    "PrometheusRule",
    (at) => ({
      groups: [
        {
          name: "shop",
          rules: [{ alert: "Down", expr: `up{namespace="${at}"} == 0`, labels: { severity: "page" } }],
        },
      ],
    }),
  ],
  [
    "has its Pods' metrics read with a password (kube-prometheus-stack)",
    MONITORING,
    "podmonitors",
    "PodMonitor",
    () => ({
      selector: { matchLabels: { app: "shop" } },
      podMetricsEndpoints: [
        {
          port: "metrics",
          basicAuth: { username: { name: "scrape", key: "user" }, password: { name: "scrape", key: "pw" } },
        },
      ],
    }),
  ],
  [
    "issues certificates by an authority of its own (cert-manager)",
    CERTIFICATES,
    "issuers",
    "Issuer",
    () => ({ ca: { secretName: "team-ca" } }),
  ],
  [
    "has certificates issued by DNS (cert-manager)",
    CERTIFICATES,
    "issuers",
    "Issuer",
    () => ({
      acme: {
        server: "https://acme-v02.api.letsencrypt.org/directory",
        privateKeySecretRef: { name: "account" },
        solvers: [{ dns01: { route53: { region: "me-central-1" } } }],
      },
    }),
  ],
  [
    "scales by the length of a queue (KEDA)",
    KEDA,
    "scaledobjects",
    "ScaledObject",
    () => ({
      scaleTargetRef: { name: "app" },
      triggers: [
        {
          type: "rabbitmq",
          metadata: { host: "amqp://queue.shop.svc.cluster.local:5672", queueName: "orders", value: "20" },
          authenticationRef: { name: "queue" },
        },
      ],
    }),
  ],
  [
    "names the credentials of a queue (KEDA)",
    KEDA,
    "triggerauthentications",
    "TriggerAuthentication",
    () => ({ secretTargetRef: [{ parameter: "password", name: "queue", key: "password" }] }),
  ],
  [
    "runs Jobs for the messages of a queue (KEDA)",
    KEDA,
    "scaledjobs",
    "ScaledJob",
    () => ({
      jobTargetRef: {
        template: { spec: { containers: [{ name: "worker", image: SIGNED }], restartPolicy: "Never" } },
      },
      triggers: [
        { type: "cron", metadata: { timezone: "Asia/Muscat", start: "0 6 * * *", end: "0 7 * * *" } },
      ],
    }),
  ],
  [
    "runs a waypoint (Istio ambient)",
    GATEWAYS,
    "gateways",
    "Gateway",
    () => ({
      gatewayClassName: "istio-waypoint",
      listeners: [
        { name: "mesh", port: 15008, protocol: "HBONE", allowedRoutes: { namespaces: { from: "Same" } } },
      ],
    }),
  ],
  [
    "allows calls to its own workloads (Istio ambient)",
    SECURITY,
    "authorizationpolicies",
    "AuthorizationPolicy",
    (at) => ({
      selector: { matchLabels: { app: "shop" } },
      rules: [{ from: [{ source: { namespaces: [at, "ingress-nginx"] } }] }],
    }),
  ],
  [
    "requires TLS between its workloads (Istio ambient)",
    SECURITY,
    "peerauthentications",
    "PeerAuthentication",
    () => ({ mtls: { mode: "STRICT" } }),
  ],
  [
    "routes in the mesh to its own Service (Istio ambient)",
    GATEWAYS,
    "httproutes",
    "HTTPRoute",
    () => ({
      parentRefs: [{ group: "", kind: "Service", name: "app", port: 80 }],
      rules: [
        {
          backendRefs: [
            { name: "app", port: 80, weight: 9 },
            { name: "canary", port: 80, weight: 1 },
          ],
        },
      ],
    }),
  ],
  [
    "lets its Pods call named hosts only (Cilium)",
    "cilium.io/v2",
    "ciliumnetworkpolicies",
    "CiliumNetworkPolicy",
    () => ({
      endpointSelector: { matchLabels: { app: "shop" } },
      egress: [
        { toFQDNs: [{ matchPattern: "*.payments.example" }] },
        {
          toEndpoints: [
            { matchLabels: { "k8s:io.kubernetes.pod.namespace": "kube-system", "k8s-app": "kube-dns" } },
          ],
          toPorts: [{ ports: [{ port: "53", protocol: "UDP" }], rules: { dns: [{ matchPattern: "*" }] } }],
        },
      ],
    }),
  ],
];
