import { type Attempt, group, on, post } from "./attempt.ts";
import { HOMES, type Kind, MONITOR, POD_MONITOR, SOVEREIGN_SERVICE } from "./destination.ts";
import { named, SOVEREIGN_POD_ADDRESS, SOVEREIGN_POD_ADDRESS_6 } from "./object.ts";

const MONITORING = "monitoring.coreos.com/v1";
const PROBE: Kind = [MONITORING, "probes", "Probe"];
const SCRAPE: Kind = [MONITORING, "scrapeconfigs", "ScrapeConfig"];

const address = { targetLabel: "__address__", replacement: `${SOVEREIGN_SERVICE}:8085` };

/** Ways to have the platform's Prometheus read the metrics of others. */
const TARGETS: readonly [title: string, kind: Kind, spec: object, expected?: Attempt["expected"]][] = [
  ["by a relabeling of a ServiceMonitor", MONITOR, { endpoints: [{ relabelings: [address] }] }],
  ["by a relabeling of a PodMonitor", POD_MONITOR, { podMetricsEndpoints: [{ relabelings: [address] }] }],
  [
    "by a relabeling from an annotation of its own",
    POD_MONITOR,
    {
      podMetricsEndpoints: [
        {
          relabelings: [
            {
              sourceLabels: ["__address__", "__meta_kubernetes_pod_annotation_target"],
              regex: "[^;]*;(.+)",
              targetLabel: "__address__",
            },
          ],
        },
      ],
    },
  ],
  [
    "by a map of labels",
    MONITOR,
    {
      endpoints: [{ relabelings: [{ action: "labelmap", regex: "__meta_kubernetes_service_label_a(.+)b" }] }],
    },
  ],
  [
    "by a server that names the targets",
    SCRAPE,
    { httpSDConfigs: [{ url: "https://evil.example/targets" }] },
  ],
  ["by a name in DNS", SCRAPE, { dnsSDConfigs: [{ names: [SOVEREIGN_SERVICE], type: "A", port: 8085 }] }],
  ["through a proxy", MONITOR, { endpoints: [{ port: "web", proxyUrl: `http://${SOVEREIGN_SERVICE}` }] }],
  ["by a probe", PROBE, { targets: { staticConfig: { static: [`http://${SOVEREIGN_SERVICE}/metrics`] } } }],
  [
    "by the address of a Pod",
    SCRAPE,
    { staticConfigs: [{ targets: [`${SOVEREIGN_POD_ADDRESS}:8085`] }] },
    "service-address",
  ],
  [
    "by the second address of a Pod",
    SCRAPE,
    { staticConfigs: [{ targets: [`[${SOVEREIGN_POD_ADDRESS_6}]:8085`] }] },
    "service-address",
  ],
];

const STORE: Kind = ["external-secrets.io/v1", "secretstores", "SecretStore"];
const GENERATOR: Kind = ["generators.external-secrets.io/v1alpha1", "webhooks", "Webhook"];
const ISSUER: Kind = ["cert-manager.io/v1", "issuers", "Issuer"];
const webhook = (url: string) => ({ provider: { webhook: { url, result: { jsonPath: "$" } } } });

/** Ways to have External Secrets or cert-manager call what their author cannot reach. */
const CALLS: readonly [title: string, kind: Kind, spec: object][] = [
  ["a Sovereign's Service into a Secret", STORE, webhook(`http://${SOVEREIGN_SERVICE}:8085/metrics`)],
  ["an address into a Secret", STORE, webhook("http://169.254.169.254/latest")],
  ["a host that a key names into a Secret", STORE, webhook("http://{{ .remoteRef.key }}/x")],
  [
    "a platform's Service as a vault",
    STORE,
    { provider: { vault: { server: "http://app.kube-system.svc" } } },
  ],
  ["a Sovereign's Service by a generator", GENERATOR, { url: `http://${SOVEREIGN_SERVICE}/x` }],
  [
    "a Sovereign's Service as an issuer",
    ISSUER,
    { vault: { server: `http://${SOVEREIGN_SERVICE}`, path: "pki" } },
  ],
];

export const CALLED_ATTEMPTS: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...CALLS.map(([title, [version, plural, kind], spec]) =>
    on(
      `has a controller call ${title} in ${at}`,
      by,
      post(group(version, at, plural), named(version, kind, "evil", { spec })),
      "ingress-annotation",
    ),
  ),
  ...TARGETS.map(([title, [version, plural, kind], spec, expected = "ingress-annotation"]) =>
    on(
      `reads the metrics of a Sovereign ${title} in ${at}`,
      by,
      post(group(version, at, plural), named(version, kind, "evil", { spec })),
      expected,
    ),
  ),
]);

export const ALLOWED_CALLED: readonly Attempt[] = HOMES.flatMap(([by, at]) =>
  (
    [
      [
        "chooses the port by an annotation, and keeps the labels of its Pods",
        POD_MONITOR,
        {
          podMetricsEndpoints: [
            {
              relabelings: [
                { action: "labelmap", regex: "__meta_kubernetes_pod_label_(.+)" },
                {
                  sourceLabels: ["__address__", "__meta_kubernetes_pod_annotation_prometheus_io_port"],
                  regex: "([^:]+)(?::\\d+)?;(\\d+)",
                  replacement: "$1:$2",
                  targetLabel: "__address__",
                },
              ],
            },
          ],
        },
      ],
      [
        "has machines outside the cluster read",
        SCRAPE,
        { staticConfigs: [{ targets: ["198.51.100.30:9100", "db.acme.example:9187"] }] },
      ],
      [
        "probes its own site",
        PROBE,
        {
          prober: { url: "blackbox.monitoring.svc:9115" },
          targets: { staticConfig: { static: ["https://acme.example/healthz", "198.51.100.30"] } },
        },
      ],
      [
        "keeps its secrets in a vault of its own",
        STORE,
        { provider: { vault: { server: "https://198.51.100.40:8200", path: "shop" } } },
      ],
      [
        "reads secrets from its provider of payments",
        STORE,
        webhook("https://api.payments.example/keys/{{ .remoteRef.key }}"),
      ],
    ] as const
  ).map(([title, [version, plural, kind], spec], index) =>
    on(
      `${title} in ${at}`,
      by,
      post(group(version, at, plural), named(version, kind, `metrics-${index}`, { spec })),
      "allowed",
    ),
  ),
);
