import { isMap, listOf, mapOf, textOf } from "../../api/object.ts";
import type { Problem } from "./change.ts";
import { hostOfUrl, isOfController } from "./destination-problem.ts";
import type { DestinationFacts } from "./guarded-service.ts";

/**
 * Parts of a ServiceMonitor, PodMonitor, Probe or ScrapeConfig that let Prometheus read the metrics of every namespace, and
 * of a Prometheus, Alertmanager or ThanosRuler that let it read the objects of other namespaces than its own.
 */
export const metricTargetProblems = (
  spec: Record<string, unknown>,
  namespace: string,
  facts: DestinationFacts,
): Problem[] => [
  ...selectionProblems(spec),
  ...copyProblems(spec, namespace),
  ...proberProblems(spec, facts),
  ...discoveryProblems(spec),
  ...probeLabelProblems(spec),
  ...relabelingProblems(spec),
];

function selectionProblems({ namespaceSelector, kubernetesSDConfigs }: Record<string, unknown>): Problem[] {
  const message =
    "Prometheus would read the metrics of every tenant for you; name the namespaces where you work";
  const open = listOf(kubernetesSDConfigs).flatMap((config, index) => {
    const { namespaces, role, apiServer } = mapOf(config);
    const path = `spec.kubernetesSDConfigs[${index}]`;
    const isLimited = listOf(mapOf(namespaces).names).length > 0 || mapOf(namespaces).ownNamespace === true;
    return [
      ...(isLimited ? [] : [{ path: `${path}.namespaces`, message }]),
      ...(textOf(role ?? "").toLowerCase() === "node"
        ? [{ path: `${path}.role`, message: NODE_MESSAGE }]
        : []),
      ...(apiServer ? [{ path: `${path}.apiServer`, message: SERVER_MESSAGE, value: apiServer }] : []),
    ];
  });
  return mapOf(namespaceSelector).any === true
    ? [{ path: "spec.namespaceSelector.any", message }, ...open]
    : open;
}

const NODE_MESSAGE = "nodes are the platform's; use role Pod, Service, Endpoints, EndpointSlice or Ingress";
const SERVER_MESSAGE =
  "a server of your choice would name what Prometheus reads; remove it, and name the targets in spec.staticConfigs";

/** The paths at which exporters probe for Prometheus. At other paths, a server of a controller shows data of all tenants. */
const PROBE_PATHS = ["/probe", "/snmp"];

function proberProblems({ prober }: Record<string, unknown>, facts: DestinationFacts): Problem[] {
  const { url, path = "/probe" } = mapOf(prober);
  return typeof url === "string" &&
    isOfController(hostOfUrl(url), facts) &&
    !PROBE_PATHS.includes(textOf(path))
    ? [
        {
          path: "spec.prober.path",
          message: `at ${textOf(path)}, Prometheus would read what a cluster controller knows of all tenants; use ${PROBE_PATHS[0]}, or an exporter of your own`,
        },
      ]
    : [];
}

/** Other rules judge the namespaces, the names and the files of these. */
const JUDGED_DISCOVERY = ["kubernetesSDConfigs", "dnsSDConfigs", "fileSDConfigs"];

/** `serviceMonitorNamespaceSelector` and its like. Without it, the server reads the objects of its own namespace. */
const COPIES = /[a-z]NamespaceSelector$/;
const NAME_LABEL = "kubernetes.io/metadata.name";

/**
 * The operator of Prometheus writes the configuration of a server into a Secret of the server's namespace. The
 * configuration holds what the selected objects name: passwords, tokens, and URLs that are secret.
 */
const copyProblems = (spec: Record<string, unknown>, namespace: string): Problem[] =>
  Object.entries(spec)
    .filter(([name, selector]) => COPIES.test(name) && isMap(selector) && !selectsOnly(selector, namespace))
    .map(([name, value]) => ({
      path: `spec.${name}`,
      message: `objects of other namespaces would be copied into yours, with their passwords and tokens; remove it, set matchLabels to ${NAME_LABEL}: ${namespace}, or ask the platform team`,
      value,
    }));

const selectsOnly = ({ matchLabels }: Record<string, unknown>, namespace: string): boolean =>
  mapOf(matchLabels)[NAME_LABEL] === namespace;

/** A server that the author names would answer with the address of any target. */
const discoveryProblems = (spec: Record<string, unknown>): Problem[] =>
  Object.entries(spec)
    .filter(([name, configs]) => /SDConfigs$/.test(name) && !JUDGED_DISCOVERY.includes(name) && configs)
    .map(([name, value]) => ({
      path: `spec.${name}`,
      message: SERVER_MESSAGE,
      value,
    }));

interface Relabeling {
  path: string;
  config: Record<string, unknown>;
}

const ADDRESS = "__address__";
/** The labels of a Probe's target that decide what is read of which exporter. In a monitor, `__metrics_path__` is harmless. */
const PROBE_LABELS = [ADDRESS, "__metrics_path__", "__param_target"];
const PROBE_MESSAGE =
  "it would change what the exporter is asked; remove it, and set spec.prober.path and spec.targets";

const isProbe = ({ prober, targets }: Record<string, unknown>): boolean => isMap(prober) || isMap(targets);

/** Labels and parameters of a Probe in place of the fields that other rules judge. */
function probeLabelProblems({ targets, params }: Record<string, unknown>): Problem[] {
  const labels = Object.entries(mapOf(mapOf(mapOf(targets).staticConfig).labels))
    .filter(([label]) => PROBE_LABELS.includes(label))
    .map(([label, value]) => ({ path: `spec.targets.staticConfig.labels.${label}`, value }));
  const parameters = listOf(params).flatMap((value, index) =>
    mapOf(value).name === "target" ? [{ path: `spec.params[${index}]`, value }] : [],
  );
  return [...labels, ...parameters].map((it) => ({ ...it, message: PROBE_MESSAGE }));
}

/** Prometheus reads the address that a relabeling of the target leaves in the label. */
function relabelingProblems(spec: Record<string, unknown>): Problem[] {
  const ofProbe = isProbe(spec) ? PROBE_LABELS : [];
  return relabelingsOf(spec).flatMap(({ path, config }) => {
    if (writesAddress(config) && !keepsHost(config))
      return [{ path, message: RELABELING_MESSAGE, value: config }];
    const isOfProbe = config.targetLabel !== ADDRESS && ofProbe.includes(textOf(config.targetLabel ?? ""));
    return isOfProbe ? [{ path, message: PROBE_MESSAGE, value: config }] : [];
  });
}

const RELABELING_MESSAGE =
  "the relabeling may name another address, which Prometheus would read for you; remove it, or write $1:$2 from a regex ([^:]+)(?::\\d+)?;(\\d+) of __address__ and the label of a port";

function relabelingsOf({ targets, relabelings, ...spec }: Record<string, unknown>): Relabeling[] {
  const { staticConfig, ingress } = mapOf(targets);
  const lists: [path: string, value: unknown][] = [
    ["spec.relabelings", relabelings],
    ["spec.targets.staticConfig.relabelingConfigs", mapOf(staticConfig).relabelingConfigs],
    ["spec.targets.ingress.relabelingConfigs", mapOf(ingress).relabelingConfigs],
    ...["endpoints", "podMetricsEndpoints"].flatMap((member) =>
      listOf(spec[member]).map((endpoint, index): [string, unknown] => [
        `spec.${member}[${index}].relabelings`,
        mapOf(endpoint).relabelings,
      ]),
    ),
  ];
  return lists.flatMap(([path, list]) =>
    listOf(list).flatMap((config, index) => (isMap(config) ? [{ path: `${path}[${index}]`, config }] : [])),
  );
}

/**
 * A group that ends the expression takes the rest of a label's or annotation's name. Such a name neither begins nor ends with
 * an underscore, so it is not that of the address.
 */
const NAME_MAP = /^\^?__meta_[a-z_]+_\(\.[+*]\)\$?$/;
const WHOLE_NAME = /^(?:\$1|\$\{1\}|[A-Za-z].*)$/;

/** Whether a relabeling may write the address of the target. A `$` stands for text of other labels. */
function writesAddress({ action, targetLabel, regex, replacement }: Record<string, unknown>): boolean {
  if (textOf(action ?? "").toLowerCase() === "labelmap")
    return !(NAME_MAP.test(textOf(regex ?? "(.*)")) && WHOLE_NAME.test(textOf(replacement ?? "$1")));
  const label = textOf(targetLabel ?? "");
  return label === ADDRESS || label.includes("$");
}

/** Whether the new address has the host of the old one. Prometheus matches the expression from the beginning of the labels. */
const keepsHost = ({ targetLabel, sourceLabels, regex, replacement }: Record<string, unknown>): boolean =>
  targetLabel === ADDRESS &&
  listOf(sourceLabels)[0] === ADDRESS &&
  textOf(regex ?? "").startsWith("([^:]+)") &&
  /^\$(?:1|\{1\})(?::|$)/.test(textOf(replacement ?? "$1"));
