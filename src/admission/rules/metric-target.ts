import { isMap, listOf, mapOf, textOf } from "../../api/object.ts";
import type { Problem } from "./change.ts";

/** The API group of the Prometheus operator. The platform's Prometheus reads the metrics that its objects name. */
export const MONITORS = "monitoring.coreos.com";

/** Parts of a ServiceMonitor, PodMonitor, Probe or ScrapeConfig that let Prometheus read the metrics of every namespace. */
export const metricTargetProblems = (spec: Record<string, unknown>): Problem[] => [
  ...selectionProblems(spec),
  ...discoveryProblems(spec),
  ...relabelingProblems(spec),
];

function selectionProblems({ namespaceSelector, kubernetesSDConfigs }: Record<string, unknown>): Problem[] {
  const message =
    "Prometheus would read the metrics of every tenant for you; name the namespaces where you work";
  const open = listOf(kubernetesSDConfigs).flatMap((config, index) => {
    const { namespaces } = mapOf(config);
    const isLimited = listOf(mapOf(namespaces).names).length > 0 || mapOf(namespaces).ownNamespace === true;
    return isLimited ? [] : [{ path: `spec.kubernetesSDConfigs[${index}].namespaces`, message }];
  });
  return mapOf(namespaceSelector).any === true
    ? [{ path: "spec.namespaceSelector.any", message }, ...open]
    : open;
}

/** Other rules judge the namespaces, the names and the files of these. */
const JUDGED_DISCOVERY = ["kubernetesSDConfigs", "dnsSDConfigs", "fileSDConfigs"];

/** A server that the author names would answer with the address of any target. */
const discoveryProblems = (spec: Record<string, unknown>): Problem[] =>
  Object.entries(spec)
    .filter(([name, configs]) => /SDConfigs$/.test(name) && !JUDGED_DISCOVERY.includes(name) && configs)
    .map(([name, value]) => ({
      path: `spec.${name}`,
      message:
        "a server of your choice would name what Prometheus reads; name the targets in spec.staticConfigs instead",
      value,
    }));

interface Relabeling {
  path: string;
  config: Record<string, unknown>;
}

const ADDRESS = "__address__";

/** Prometheus reads the address that a relabeling of the target leaves in the label. */
const relabelingProblems = (spec: Record<string, unknown>): Problem[] =>
  relabelingsOf(spec)
    .filter(({ config }) => writesAddress(config) && !keepsHost(config))
    .map(({ path, config }) => ({
      path,
      message:
        "the relabeling may name another address, which Prometheus would read for you; remove it, or write $1:$2 from a regex ([^:]+)(?::\\d+)?;(\\d+) of __address__ and the label of a port",
      value: config,
    }));

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

/** Whether the new address has the host of the old one. Prometheus matches the expression from the begin of the labels. */
const keepsHost = ({ targetLabel, sourceLabels, regex, replacement }: Record<string, unknown>): boolean =>
  targetLabel === ADDRESS &&
  listOf(sourceLabels)[0] === ADDRESS &&
  textOf(regex ?? "").startsWith("([^:]+)") &&
  /^\$(?:1|\{1\})(?::|$)/.test(textOf(replacement ?? "$1"));
