import { describe, expect, it } from "vitest";
import { newEndpoints } from "../../../../src/admission/rules/endpoint-address.ts";
import { ingressAnnotationRule } from "../../../../src/admission/rules/ingress-annotation.ts";
import { creation, facts, request, reviewed } from "../../../support/builder/admission-request.ts";

const known = facts({ isForeignNamespace: (name) => ["globex-prod", "monitoring"].includes(name) });
const PORT_ONLY = {
  sourceLabels: ["__address__", "__meta_kubernetes_pod_annotation_port"],
  regex: "([^:]+)(?::\\d+)?;(\\d+)",
  targetLabel: "__address__",
};
const monitor = (relabeling: unknown) => ({ endpoints: [{ relabelings: [relabeling] }] });
const input = (resource: string, spec: object) =>
  creation({ group: "monitoring.coreos.com", resource, object: reviewed({ spec }) });
const pathsOf = (resource: string, spec: object) =>
  ingressAnnotationRule(input(resource, spec), known).map(({ path }) => path);

const inOwn = (config: object) => ({ role: "Pod", namespaces: { ownNamespace: true }, ...config });
const SD = (member: string) => `spec.kubernetesSDConfigs[0].${member}`;
const OAUTH = "spec.podMetricsEndpoints[0].oauth2.proxyUrl";

describe("ingressAnnotationRule, for what Prometheus reads", () => {
  it.each<[string, object]>([
    ["names an address", { targetLabel: "__address__", replacement: "app.globex-prod.svc:80" }],
    ["names an address by its action in capitals", { action: "Replace", targetLabel: "__address__" }],
    ["takes the address from an annotation", { ...PORT_ONLY, regex: "[^;]*;(.+)", replacement: "$1" }],
    ["puts text before the host", { ...PORT_ONLY, replacement: "evil.$1:$2" }],
    ["takes the host from the second label", { ...PORT_ONLY, replacement: "$2:$1" }],
    ["continues the host", { ...PORT_ONLY, replacement: "$1.globex-prod.svc:$2" }],
    ["begins with another label", { ...PORT_ONLY, sourceLabels: ["a", "__address__"], replacement: "$1:$2" }],
    ["writes a label that another label names", { targetLabel: "__$1__", replacement: "a" }],
    ["hashes into the address", { action: "hashmod", targetLabel: "__address__", modulus: 9 }],
    ["maps every label", { action: "labelmap" }],
    ["maps a part of a name", { action: "LabelMap", regex: "__meta_kubernetes_pod_label_a(.+)b" }],
    [
      "maps to the name of the address",
      { action: "labelmap", regex: "__meta_kubernetes_pod_label_(.+)", replacement: "__$1__" },
    ],
  ])("refuses a relabeling that %s", (_, relabeling) => {
    for (const [resource, spec, at] of [
      ["servicemonitors", monitor(relabeling), "spec.endpoints[0].relabelings[0]"],
      [
        "podmonitors",
        { podMetricsEndpoints: [{}, { relabelings: [{ targetLabel: "team" }, relabeling] }] },
        "spec.podMetricsEndpoints[1].relabelings[1]",
      ],
      ["scrapeconfigs", { relabelings: [relabeling] }, "spec.relabelings[0]"],
      [
        "probes",
        { targets: { staticConfig: { relabelingConfigs: [relabeling] } } },
        "spec.targets.staticConfig.relabelingConfigs[0]",
      ],
      [
        "probes",
        { targets: { ingress: { relabelingConfigs: [relabeling] } } },
        "spec.targets.ingress.relabelingConfigs[0]",
      ],
    ] as const)
      expect(pathsOf(resource, spec)).toEqual([at]);
  });

  it.each<[string, unknown]>([
    ["changes the port alone", { ...PORT_ONLY, replacement: "$1:$2" }],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Prometheus writes groups like this.
    ["changes the port alone, in braces", { ...PORT_ONLY, replacement: "${1}:9090" }],
    ["keeps the host", { ...PORT_ONLY, regex: "([^:]+);.*" }],
    ["maps the labels of a Pod", { action: "labelmap", regex: "__meta_kubernetes_pod_label_(.+)" }],
    [
      "maps them to names of its own",
      { action: "labelmap", regex: "^__meta_kubernetes_service_annotation_(.*)$", replacement: "svc_$1" },
    ],
    ["adds a label", { targetLabel: "team", replacement: "shop" }],
    ["drops a target", { action: "drop", sourceLabels: ["a"], regex: "b" }],
    ["is no map", "x"],
  ])("passes a relabeling that %s", (_, relabeling) => {
    expect(pathsOf("servicemonitors", monitor(relabeling))).toEqual([]);
  });

  it.each(["__metrics_path__", "__param_target"])("judges who sets %s of a Probe", (label) => {
    const relabeling = { targetLabel: label, replacement: "/federate" };
    const exporter = { url: "prometheus.monitoring.svc:9090" };
    const staticConfig = { relabelingConfigs: [relabeling], labels: { [label]: "/federate" } };
    expect(pathsOf("probes", { prober: exporter, targets: { staticConfig } })).toEqual([
      `spec.targets.staticConfig.labels.${label}`,
      "spec.targets.staticConfig.relabelingConfigs[0]",
    ]);
    expect(pathsOf("probes", { prober: exporter, relabelings: [relabeling] })).toEqual([
      "spec.relabelings[0]",
    ]);
    expect(pathsOf("servicemonitors", monitor(relabeling))).toEqual([]);
  });

  it("judges a relabeling that an update changes, and no other", () => {
    const object = reviewed({ spec: monitor({ targetLabel: "__address__", replacement: "a" }) });
    const update = { ...input("servicemonitors", {}), operation: "UPDATE" as const, object };
    expect(ingressAnnotationRule(request({ ...update, oldObject: object }), known)).toEqual([]);
    const oldObject = reviewed({ spec: monitor({ targetLabel: "__address__", replacement: "b" }) });
    expect(ingressAnnotationRule(request({ ...update, oldObject }), known)).toHaveLength(1);
  });

  it.each(["httpSDConfigs", "consulSDConfigs", "ec2SDConfigs"])(
    "refuses %s, whose server names the targets",
    (member) => {
      expect(pathsOf("scrapeconfigs", { [member]: [{ url: "https://a.example" }] })).toEqual([
        `spec.${member}`,
      ]);
      expect(pathsOf("scrapeconfigs", { [member]: null })).toEqual([]);
    },
  );

  it.each<[string, object, string[]]>([
    [
      "scrapeconfigs",
      { dnsSDConfigs: [{ names: ["a.example", "app.globex-prod.svc"] }] },
      ["spec.dnsSDConfigs[0].names[1]"],
    ],
    ["scrapeconfigs", { proxyUrl: "http://app.globex-prod.svc" }, ["spec.proxyUrl"]],
    ["servicemonitors", { endpoints: [{ proxyUrl: "http://10.0.0.1" }] }, ["spec.endpoints[0].proxyUrl"]],
    [
      "podmonitors",
      { podMetricsEndpoints: [{ oauth2: { tokenUrl: "http://app.globex-prod.svc/t" } }] },
      ["spec.podMetricsEndpoints[0].oauth2.tokenUrl"],
    ],
    [
      "scrapeconfigs",
      { kubernetesSDConfigs: [inOwn({ apiServer: "https://a.example" })] },
      [SD("apiServer")],
    ],
    ["scrapeconfigs", { kubernetesSDConfigs: [inOwn({ role: "Node" })] }, [SD("role")]],
    ["scrapeconfigs", { kubernetesSDConfigs: [inOwn({ role: "node", apiServer: "" })] }, [SD("role")]],
    ["scrapeconfigs", { kubernetesSDConfigs: [inOwn({ proxyUrl: "http://10.0.0.1" })] }, [SD("proxyUrl")]],
    ["scrapeconfigs", { kubernetesSDConfigs: [inOwn({ role: "EndpointSlice" })] }, []],
    ["podmonitors", { podMetricsEndpoints: [{ oauth2: { proxyUrl: "http://10.0.0.1" } }] }, [OAUTH]],
    ["probes", { prober: { url: "app.globex-prod.svc:80" } }, ["spec.prober.url"]],
    ["probes", { prober: { url: "http://127.0.0.1:9115" } }, ["spec.prober.url"]],
    ["probes", { prober: { url: "prometheus.monitoring:9090", path: "/federate" } }, ["spec.prober.path"]],
    ["probes", { prober: { url: "blackbox.monitoring.svc:9115" } }, []],
    ["probes", { prober: { url: "snmp.monitoring.svc:9116", path: "/snmp" } }, []],
    ["probes", { prober: { url: "exporter.shop.svc", path: "/anything" } }, []],
    ["probes", { prober: { url: "10.0.0.1:9115" } }, []],
    [
      "probes",
      { prober: { url: "blackbox.monitoring.svc", proxyUrl: "http://10.0.0.1" } },
      ["spec.prober.proxyUrl"],
    ],
    [
      "probes",
      {
        params: [
          { name: "debug", values: ["a"] },
          { name: "target", values: ["a"] },
        ],
      },
      ["spec.params[1]"],
    ],
    ["probes", { targets: { staticConfig: { labels: { team: "shop" } } } }, []],
    ["scrapeconfigs", { params: { target: ["a"] } }, []],
    [
      "probes",
      {
        targets: {
          staticConfig: { static: ["https://a.example/x", "http://app.globex-prod.svc/x", "10.0.0.1"] },
        },
      },
      ["spec.targets.staticConfig.static[1]"],
    ],
  ])("judges what %s call: %j", (resource, spec, paths) => {
    expect(pathsOf(resource, spec)).toEqual(paths);
  });
});

describe("ingressAnnotationRule, for servers of the Prometheus operator", () => {
  const named = (namespace: string) => ({ matchLabels: { "kubernetes.io/metadata.name": namespace } });

  it.each<[string, string, unknown]>([
    ["prometheuses", "serviceMonitorNamespaceSelector", {}],
    ["prometheuses", "podMonitorNamespaceSelector", named("globex-prod")],
    ["prometheusagents", "scrapeConfigNamespaceSelector", { matchExpressions: [] }],
    ["alertmanagers", "alertmanagerConfigNamespaceSelector", { matchLabels: { team: "shop" } }],
    ["thanosrulers", "ruleNamespaceSelector", {}],
  ])("refuses in %s %s %j", (resource, member, selector) => {
    const object = reviewed({ spec: { [member]: selector } });
    expect(ingressAnnotationRule({ ...input(resource, {}), object }, known)).toEqual([
      {
        rule: "ingress-annotation",
        path: `spec.${member}`,
        message:
          "objects of other namespaces would be copied into yours, with their passwords and tokens; remove it, set matchLabels to kubernetes.io/metadata.name: shop, or ask the platform team",
      },
    ]);
  });

  it.each<[string, object]>([
    ["prometheuses", { serviceMonitorSelector: {}, serviceMonitorNamespaceSelector: null }],
    ["alertmanagers", { alertmanagerConfigNamespaceSelector: named("shop") }],
    ["thanosrulers", { ignoreNamespaceSelectors: true, ruleSelector: {} }],
  ])("passes in %s %j", (resource, spec) => expect(pathsOf(resource, spec)).toEqual([]));
});

describe("newEndpoints, for a ScrapeConfig", () => {
  it("finds the addresses among the targets", () => {
    const targets = [
      "10.244.7.7:9100",
      " 10.0.0.1 ",
      "[2001:DB8::7]:80",
      "a.example:80",
      "10.0.0.1.example",
      7,
    ];
    expect(newEndpoints(input("scrapeconfigs", { staticConfigs: [{}, { targets }] }))).toEqual([
      { path: "spec.staticConfigs[1].targets[0]", address: "10.244.7.7" },
      { path: "spec.staticConfigs[1].targets[1]", address: "10.0.0.1" },
      { path: "spec.staticConfigs[1].targets[2]", address: "[2001:db8::7]" },
    ]);
  });
});
