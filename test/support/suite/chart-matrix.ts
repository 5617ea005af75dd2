export type Values = Record<string, unknown>;

const certManager = (certManager: Values) => ({
  webhook: { certificate: { mode: "cert-manager", certManager } },
});
const PEER = { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } };
const KEYLESS = { keyless: { issuer: "https://issuer.example", identity: "release@example.com" } };

/** Combinations of the chart's values, each with its name. Values that depend on each other stand together. */
const SINGLE: [name: string, values: Values][] = [
  ["no values", {}],
  ["one replica", { replicas: 1 }],
  ["many replicas", { replicas: 20, concurrency: 64 }],
  ["no CRDs", { crds: { enabled: false } }],
  ["CRDs that go with the release", { crds: { keep: false } }],
  ["Audit", { enforcement: "Audit" }],
  ["the log in detail", { logLevel: "trace" }],
  ["other ports", { webhook: { port: 10250 }, voucherApi: { port: 80 }, http: { port: 81 } }],
  ["long drains", { drainSeconds: 300, billing: { drainSeconds: 300 } }],
  ["no drain", { drainSeconds: 0 }],
  ["a webhook by URL", { webhook: { url: "https://hook.example:8443" } }],
  ["API servers by range", { webhook: { allowedCidrs: ["192.0.2.0/28", "2001:db8::/64"] } }],
  ["API servers by certificate", { webhook: { clientCertificate: { configMapName: "ca", names: ["api"] } } }],
  ["a Secret's certificate", { webhook: { certificate: { mode: "secret", secretName: "own" } } }],
  ["cert-manager with a CA of the chart", certManager({})],
  ["cert-manager with a ClusterIssuer", certManager({ issuerRef: { name: "ca", kind: "ClusterIssuer" } })],
  ["cert-manager elsewhere", certManager({ namespace: "certificates", duration: "48h", renewBefore: "12h" })],
  [
    "cert-manager for a URL",
    { webhook: { url: "https://hook.example", certificate: { mode: "cert-manager" } } },
  ],
  [
    "cert-manager for an address",
    { webhook: { url: "https://[2001:db8::1]:9443", certificate: { mode: "cert-manager" } } },
  ],
  ["an embedded API of one Sovereign", { voucherApi: { sovereign: "omantel" } }],
  ["groups of the platform", { platform: { groups: ["ops", "a & b", "it's"] } }],
  ["Argo CD as the platform", { platform: { serviceAccountNamespaces: ["argocd"] } }],
  ["more controllers", { controllers: { namespaces: ["keda", "123"] } }],
  ["drivers of volumes", { inlineVolumeDrivers: ["secrets.csi.example"] }],
  ["the hub's access", { hub: { access: true } }],
  [
    "a private registry",
    {
      image: { pullSecrets: [{ name: "one" }] },
      ...{ registryMirrors: { "one.example": "https://mirror.example" } },
      ...{ registryCaConfigMap: "1e3", registryPullSecrets: ["a", "0123"] },
    },
  ],
  ["a trusted key", { trust: { trust: [{ publicKey: "-----BEGIN PUBLIC KEY-----" }] } }],
  ["a trusted identity", { trust: { trust: [KEYLESS] }, trustedRoot: '{"mediaType": "x"}' }],
  ["registries without signatures", { trust: { allowedRegistries: ["one.example/a"] } }],
  ["no catalogs", { catalogNamespaces: false }],
  ["no limits", { resources: { limits: null, requests: null } }],
  ["other limits", { resources: { limits: { cpu: 2, memory: "1Gi", "nvidia.com/gpu": 1 } } }],
  [
    "placement",
    {
      nodeSelector: { disk: "ssd" },
      tolerations: [{ key: "control-plane", operator: "Exists", effect: "NoSchedule" }],
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "kubernetes.io/hostname" }],
        },
      },
      priorityClassName: "system-cluster-critical",
    },
  ],
  [
    "a spread over zones and nodes",
    {
      topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map(
        (topologyKey) => ({
          ...{ topologyKey, maxSkew: 1, whenUnsatisfiable: "DoNotSchedule", minDomains: 2 },
        }),
      ),
    },
  ],
  [
    "security contexts",
    {
      podSecurityContext: { runAsUser: 1000, runAsGroup: 0, fsGroup: 0, supplementalGroups: [1] },
      securityContext: { seccompProfile: { type: "Localhost", localhostProfile: "own.json" } },
    },
  ],
  [
    "labels and annotations",
    {
      commonLabels: { team: "platform", stage: "1" },
      commonAnnotations: { "example.com/owner": "yes" },
      podLabels: { sidecar: "none" },
      podAnnotations: { "example.com/restart": "2026" },
      serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/a" } },
      hub: { access: true },
    },
  ],
  [
    "variables, arguments and volumes",
    {
      extraEnv: [
        { name: "NODE_EXTRA_CA_CERTS", value: "/etc/ca/b" },
        { name: "OWN", valueFrom: { secretKeyRef: { name: "own", key: "a", optional: true } } },
        { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
      ],
      extraArgs: ["--host=::"],
      extraVolumes: [
        { name: "ca", configMap: { name: "ca", items: [{ key: "a", path: "b" }] } },
        { name: "cache", emptyDir: { sizeLimit: "1Gi" } },
        {
          name: "token",
          projected: {
            sources: [{ serviceAccountToken: { path: "t", audience: "registry", expirationSeconds: 600 } }],
          },
        },
        {
          name: "secrets",
          csi: { driver: "secrets-store.csi.k8s.io", readOnly: true, volumeAttributes: { a: "b" } },
        },
      ],
      extraVolumeMounts: [{ name: "ca", mountPath: "/etc/ca", readOnly: true }],
    },
  ],
  ["no aggregated role", { aggregateRoles: false }],
  ["a NetworkPolicy", { networkPolicy: { enabled: true } }],
  [
    "a closed network",
    {
      webhook: { allowedCidrs: ["192.0.2.0/28"] },
      networkPolicy: {
        ...{ enabled: true, voucherApiFrom: [{ podSelector: {} }], metricsFrom: [PEER] },
        egress: {
          ...{ enabled: true, ports: [443, 5432] },
          rules: [
            { to: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }], ports: [{ port: 9092 }] },
          ],
        },
      },
    },
  ],
  ["no egress but DNS", { networkPolicy: { enabled: true, egress: { enabled: true, ports: [] } } }],
  ["a ServiceMonitor", { metrics: { serviceMonitor: { enabled: true, labels: { release: "kube" } } } }],
  ["alerts", { metrics: { prometheusRule: { enabled: true, runbookUrl: "https://docs.example/runbook" } } }],
  ["a dashboard", { metrics: { dashboard: { enabled: true } } }],
  ["a test of a Sovereign", { test: { sovereign: "zero" } }],
  ["a test with a token", { test: { sovereign: "zero", url: "https://zero.example", tokenSecret: "token" } }],
];

/** Every value that adds an object, all at once. */
const EVERYTHING = [
  "a dashboard",
  "alerts",
  "a ServiceMonitor",
  "the hub's access",
  "a trusted key",
  "cert-manager with a CA of the chart",
  "groups of the platform",
  "a NetworkPolicy",
];

/** Merges mappings as Helm does. */
export function mergeValues(below: Values, above: Values): Values {
  const result = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const lower = result[key];
    const isBoth = [lower, value].every((it) => typeof it === "object" && it !== null && !Array.isArray(it));
    result[key] = isBoth ? mergeValues(lower as Values, value as Values) : value;
  }
  return result;
}

export const CHART_MATRIX: [name: string, values: Values][] = [
  ...SINGLE,
  [
    "everything at once",
    SINGLE.filter(([name]) => EVERYTHING.includes(name)).reduce(
      (all, [, values]) => mergeValues(all, values),
      {},
    ),
  ],
];
