import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { isMap } from "../../../src/api/object.ts";
import { mergeValues, type Values } from "../../support/suite/chart-matrix.ts";

const CHART = join(import.meta.dirname, "../../../charts/catalyst-operator");
const read = (path: string) => readFileSync(join(CHART, path), "utf8");
const validate = new Ajv2020({ allErrors: true, strict: false, validateFormats: false }).compile(
  JSON.parse(read("values.schema.json")),
);

/** The paths where the schema refuses the values, merged over the chart's defaults. */
function problemsOf(values: Values): string[] {
  validate(mergeValues(parse(read("values.yaml")) as Values, values));
  return (validate.errors ?? []).map(({ instancePath }) => instancePath);
}

/** What the schema says of the values without the member at this path. */
function problemsWithout(values: Values, path: readonly string[]): string[] {
  const given = structuredClone(values);
  const holder = path.slice(0, -1).reduce<Values>((at, name) => at[name] as Values, given);
  delete holder[path.at(-1) ?? ""];
  validate(given);
  return (validate.errors ?? []).map(({ message = "" }) => message);
}

const certificate = (values: Values) => ({ webhook: { certificate: values } });
const mount = { name: "ca", mountPath: "/etc/ca" };

const words = (text: string) => text.trim().split(/\s+/);

/** The members that every release needs, in the order of values.yaml. */
const REQUIRED = words(`
  image image.repository image.digest crds crds.enabled crds.keep replicas concurrency drainSeconds
  billing billing.drainSeconds logLevel webhook webhook.port webhook.certificate
  webhook.certificate.mode webhook.certificate.certManager webhook.certificate.certManager.namespace
  webhook.certificate.certManager.duration webhook.certificate.certManager.renewBefore
  webhook.clientCertificate enforcement docsUrl voucherApi voucherApi.port http http.port platform
  controlPlane hub hub.access controllers catalogNamespaces serviceAccount aggregateRoles
  networkPolicy networkPolicy.enabled networkPolicy.egress networkPolicy.egress.enabled
  networkPolicy.egress.ports metrics metrics.serviceMonitor metrics.serviceMonitor.enabled
  metrics.serviceMonitor.interval metrics.prometheusRule metrics.prometheusRule.enabled
  metrics.prometheusRule.runbookUrl metrics.dashboard metrics.dashboard.enabled
  metrics.dashboard.labels test
`);

/** A person may remove each of these: its default is empty, or the chart works without it. */
const REMOVABLE = words(`
  image.pullSecrets webhook.url webhook.certificate.secretName
  webhook.certificate.certManager.issuerRef webhook.clientCertificate.configMapName
  webhook.clientCertificate.names webhook.allowedCidrs voucherApi.sovereign platform.groups
  platform.serviceAccountNamespaces controlPlane.userPrefixes controllers.namespaces
  inlineVolumeDrivers registryMirrors registryCaConfigMap registryPullSecrets trust trustedRoot
  resources resources.requests resources.requests.cpu resources.requests.memory resources.limits
  resources.limits.memory nodeSelector tolerations affinity priorityClassName
  topologySpreadConstraints podSecurityContext securityContext commonLabels commonAnnotations
  podLabels podAnnotations serviceAccount.annotations extraEnv extraArgs extraVolumes
  extraVolumeMounts networkPolicy.voucherApiFrom networkPolicy.metricsFrom
  networkPolicy.egress.rules metrics.serviceMonitor.labels metrics.prometheusRule.labels
  metrics.dashboard.labels.grafana_dashboard test.sovereign test.url test.tokenSecret
`);

describe("values.schema.json", () => {
  it.each<[string, Values]>([
    ["the chart's own values", {}],
    ["a certificate of a Secret", certificate({ mode: "secret", secretName: "own" })],
    ["a certificate of cert-manager with a CA of the chart", certificate({ mode: "cert-manager" })],
    [
      "a certificate of an issuer",
      certificate({
        mode: "cert-manager",
        certManager: { issuerRef: { name: "ca", kind: "ClusterIssuer" } },
      }),
    ],
    [
      "a variable that no value sets",
      { extraEnv: [{ name: "NODE_EXTRA_CA_CERTS", value: "/etc/ca/ca.crt" }] },
    ],
    [
      "a variable of a Secret",
      { extraEnv: [{ name: "OPERATOR_URL", valueFrom: { secretKeyRef: { name: "operator", key: "url" } } }] },
    ],
    ["an argument", { extraArgs: ["--host=::"] }],
    [
      "a volume of a ConfigMap",
      { extraVolumes: [{ name: "ca", configMap: { name: "ca" } }], extraVolumeMounts: [mount] },
    ],
    ["another user", { podSecurityContext: { runAsUser: 1000, fsGroup: 0 } }],
    [
      "a root file system that can be written",
      {
        securityContext: {
          readOnlyRootFilesystem: false,
          capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
        },
      },
    ],
    [
      "replicas in different zones",
      {
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule" },
        ],
      },
    ],
    [
      "a closed network",
      {
        networkPolicy: {
          ...{ enabled: true, metricsFrom: [{ namespaceSelector: { matchLabels: { team: "metrics" } } }] },
          egress: {
            enabled: true,
            rules: [{ to: [{ ipBlock: { cidr: "192.0.2.0/24" } }], ports: [{ port: 9092 }] }],
          },
        },
      },
    ],
    [
      "a test of a Sovereign",
      { test: { sovereign: "zero", url: "https://zero.example", tokenSecret: "token" } },
    ],
  ])("accepts %s", (_, values) => {
    expect(problemsOf(values)).toEqual([]);
  });

  it.each<[string, Values, string]>([
    [
      "everyone as the platform",
      { platform: { groups: ["ops", "system:authenticated"] } },
      "/platform/groups/1",
    ],
    ["a mode that does not exist", certificate({ mode: "self-signed" }), "/webhook/certificate/mode"],
    ["mode secret without a Secret", certificate({ mode: "secret" }), "/webhook/certificate/secretName"],
    ["a Secret in mode operator", certificate({ secretName: "own" }), "/webhook/certificate/secretName"],
    [
      "a Secret in mode cert-manager",
      certificate({ mode: "cert-manager", secretName: "own" }),
      "/webhook/certificate/secretName",
    ],
    [
      "a Certificate in catalyst-system, where cert-manager may not write",
      certificate({ mode: "cert-manager", certManager: { namespace: "catalyst-system" } }),
      "/webhook/certificate/certManager/namespace",
    ],
    [
      "the kind of an issuer without its name",
      certificate({ mode: "cert-manager", certManager: { issuerRef: { kind: "Issuer" } } }),
      "/webhook/certificate/certManager/issuerRef",
    ],
    [
      "an issuer of another kind",
      certificate({ mode: "cert-manager", certManager: { issuerRef: { name: "a", kind: "Vault" } } }),
      "/webhook/certificate/certManager/issuerRef/kind",
    ],
    [
      "a variable that a value sets",
      { extraEnv: [{ name: "ENFORCEMENT", value: "Audit" }] },
      "/extraEnv/0/name",
    ],
    ["the name of the replica", { extraEnv: [{ name: "POD_NAME", value: "one" }] }, "/extraEnv/0/name"],
    [
      "a variable of two sources",
      { extraEnv: [{ name: "A", value: "1", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }] },
      "/extraEnv/0",
    ],
    ["a command in place of an argument", { extraArgs: ["billing"] }, "/extraArgs/0"],
    ["a flag that a value sets", { extraArgs: ["--host=::", "--enforcement=Audit"] }, "/extraArgs/1"],
    ["the flag of the replica's name", { extraArgs: ["--identity=one"] }, "/extraArgs/0"],
    ["a path of the node", { extraVolumes: [{ name: "node", hostPath: { path: "/" } }] }, "/extraVolumes/0"],
    ["a volume without a source", { extraVolumes: [{ name: "none" }] }, "/extraVolumes/0"],
    [
      "a volume of the chart's name",
      { extraVolumes: [{ name: "registry-ca", emptyDir: {} }] },
      "/extraVolumes/0/name",
    ],
    [
      "a relative mount",
      { extraVolumeMounts: [{ name: "ca", mountPath: "etc" }] },
      "/extraVolumeMounts/0/mountPath",
    ],
    ["root", { podSecurityContext: { runAsUser: 0 } }, "/podSecurityContext/runAsUser"],
    [
      "root by permission",
      { podSecurityContext: { runAsNonRoot: false } },
      "/podSecurityContext/runAsNonRoot",
    ],
    [
      "no seccomp profile",
      { podSecurityContext: { seccompProfile: { type: "Unconfined" } } },
      "/podSecurityContext/seccompProfile/type",
    ],
    ["sysctls", { podSecurityContext: { sysctls: [] } }, "/podSecurityContext"],
    ["a privileged container", { securityContext: { privileged: true } }, "/securityContext/privileged"],
    [
      "escalation",
      { securityContext: { allowPrivilegeEscalation: true } },
      "/securityContext/allowPrivilegeEscalation",
    ],
    [
      "a capability",
      { securityContext: { capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } } },
      "/securityContext/capabilities/add/0",
    ],
    [
      "capabilities that are kept",
      { securityContext: { capabilities: { drop: ["NET_RAW"] } } },
      "/securityContext/capabilities/drop",
    ],
    ["a label of the product", { podLabels: { "catalyst.openova.io/managed-by": "me" } }, "/podLabels"],
    [
      "a label that selects the Pods",
      { commonLabels: { "app.kubernetes.io/name": "other" } },
      "/commonLabels",
    ],
    ["a label's value with a blank", { podLabels: { team: "a b" } }, "/podLabels/team"],
    ["a number for an annotation", { podAnnotations: { checksum: 1 } }, "/podAnnotations/checksum"],
    [
      "a spread with its own selector",
      {
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: {} },
        ],
      },
      "/topologySpreadConstraints/0",
    ],
    [
      "a misspelt peer",
      { networkPolicy: { metricsFrom: [{ nameSpaceSelector: {} }] } },
      "/networkPolicy/metricsFrom/0",
    ],
    ["a port out of range", { networkPolicy: { egress: { ports: [0] } } }, "/networkPolicy/egress/ports/0"],
    [
      "an interval without a unit",
      { metrics: { serviceMonitor: { interval: "30" } } },
      "/metrics/serviceMonitor/interval",
    ],
    ["an address without its Sovereign", { test: { url: "https://zero.example" } }, "/test/sovereign"],
    ["a token without its Sovereign", { test: { tokenSecret: "token" } }, "/test/sovereign"],
  ])("refuses %s", (_, values, path) => {
    expect(problemsOf(values)).toContain(path);
  });

  it("requires each member that has a default, except those that a person may remove", () => {
    const values = parse(read("values.yaml")) as Values;
    const required: string[] = [];
    const removable: string[] = [];
    (function walk(defaults: Values, path: readonly string[]): void {
      for (const [name, value] of Object.entries(defaults)) {
        const at = [...path, name];
        const problems = problemsWithout(values, at);
        (problems.length === 0 ? removable : required).push(at.join("."));
        if (problems.length > 0) expect(problems).toContain(`must have required property '${name}'`);
        if (isMap(value)) walk(value, at);
      }
    })(values, []);
    expect(required).toEqual(REQUIRED);
    expect(removable).toEqual(REMOVABLE);
  });

  it("allows no unlisted member, down to the leaves", () => {
    const open: string[] = [];
    (function walk(node: unknown, path: string): void {
      if (typeof node !== "object" || node === null) return;
      const { type, properties, additionalProperties } = node as Values;
      if (type === "object" && properties === undefined && additionalProperties === undefined)
        open.push(path);
      if (properties !== undefined && additionalProperties !== false && type === "object") open.push(path);
      for (const [key, value] of Object.entries(node)) walk(value, `${path}/${key}`);
    })(JSON.parse(read("values.schema.json")), "");
    // Helm passes `global` to every chart.
    expect(open).toEqual(["/properties/global"]);
  });
});
