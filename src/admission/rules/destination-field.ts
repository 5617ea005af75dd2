import { mapOf } from "../../api/object.ts";
import { calledMembers } from "./called-member.ts";
import type { DestinationField, Meaning } from "./destination-meaning.ts";
import type { AdmissionInput } from "./request.ts";

/** The API group of the Prometheus operator. */
export const MONITORS = "monitoring.coreos.com";

type Fields = Readonly<Record<string, Meaning>>;

const each = (places: readonly string[], fields: Fields): Fields =>
  Object.fromEntries(
    places.flatMap((place) => Object.entries(fields).map(([field, it]) => [`${place}.${field}`, it])),
  );

const TRAEFIK: Fields = {
  ...each(
    [
      ...["spec.routes[].services[]", "spec.weighted.services[]", "spec.highestRandomWeight.services[]"],
      ...["spec.mirroring", "spec.mirroring.mirrors[]", "spec.errors.service"],
    ],
    { name: "service", namespace: "namespace", serversTransport: "reference" },
  ),
  // Other objects with Secrets of their namespace: headers, client certificates, certificates.
  ...each(
    [
      ...["spec.routes[].middlewares[]", "spec.chain.middlewares[]"],
      ...["spec.tls.options", "spec.tls.store"],
    ],
    { name: "reference", namespace: "namespace" },
  ),
};

const GLOO_TARGET: Fields = { "upstream.namespace": "namespace", "kube.ref.namespace": "namespace" };
/** The routes of a VirtualService, and those of a RouteTable. */
const GLOO_ROUTES = ["spec.virtualHost.routes[]", "spec.routes[]"];

/** Paths of the fields that set a destination of a controller. `[]` stands for each item of a list. */
const FIELDS: Readonly<Record<string, Fields>> = {
  "networking.istio.io": {
    "spec.http[].route[].destination.host": "host",
    "spec.http[].mirror.host": "host",
    "spec.http[].mirrors[].destination.host": "host",
    "spec.http[].delegate.namespace": "namespace",
    "spec.tls[].route[].destination.host": "host",
    "spec.tcp[].route[].destination.host": "host",
    "spec.endpoints[].address": "endpoint",
    // The address of a WorkloadEntry.
    "spec.address": "endpoint",
  },
  "projectcontour.io": {
    "spec.includes[].namespace": "namespace",
    "spec.tcpproxy.include.namespace": "namespace",
    "spec.tcpproxy.includes.namespace": "namespace",
    "spec.virtualhost.authorization.extensionRef.namespace": "namespace",
    "spec.virtualhost.jwtProviders[].remoteJWKS.uri": "url",
  },
  "cis.f5.com": {
    "spec.pools[].serviceNamespace": "namespace",
    "spec.pools[].alternateBackends[].serviceNamespace": "namespace",
    "spec.pools[].multiClusterServices[].namespace": "namespace",
    "spec.defaultPool.serviceNamespace": "namespace",
    "spec.pool.serviceNamespace": "namespace",
    "spec.pool.alternateBackends[].serviceNamespace": "namespace",
    "spec.pool.multiClusterServices[].namespace": "namespace",
  },
  "k8s.nginx.org": {
    "spec.jwt.jwksURI": "url",
    "spec.oidc.jwksURI": "url",
    "spec.oidc.tokenEndpoint": "url",
  },
  "traefik.io": TRAEFIK,
  // The group of Traefik 2.
  "traefik.containo.us": TRAEFIK,
  "cilium.io": {
    "spec.services[].namespace": "namespace",
    "spec.backendServices[].namespace": "namespace",
    // The Secrets of a CiliumNetworkPolicy, whose content the proxy puts into requests.
    ...each(
      ["spec", "specs[]"].flatMap((rule) => [`${rule}.ingress[].toPorts[]`, `${rule}.egress[].toPorts[]`]),
      {
        "terminatingTLS.secret.namespace": "namespace",
        "originatingTLS.secret.namespace": "namespace",
        "rules.http[].headerMatches[].secret.namespace": "namespace",
      },
    ),
  },
  "getambassador.io": {
    "spec.service": "url",
    "spec.External.auth_service": "url",
    "spec.JWT.jwksURI": "url",
  },
  "security.istio.io": { "spec.jwtRules[].jwksUri": "url" },
  "gateway.solo.io": {
    ...each(
      GLOO_ROUTES.flatMap((route) => [
        `${route}.routeAction.single`,
        `${route}.routeAction.multi.destinations[].destination`,
      ]),
      GLOO_TARGET,
    ),
    ...each(GLOO_ROUTES, {
      "routeAction.upstreamGroup.namespace": "namespace",
      "delegateAction.ref.namespace": "namespace",
      "delegateAction.selector.namespaces[]": "namespace",
    }),
  },
  "gloo.solo.io": {
    "spec.kube.serviceNamespace": "namespace",
    "spec.static.hosts[].addr": "endpoint",
    ...each(["spec.destinations[].destination"], GLOO_TARGET),
  },
  "apisix.apache.org": {
    "spec.externalNodes[].name": "endpoint",
    ...each(["spec", "spec.http[]", "spec.stream[]"], { "plugins[].name": "plugin" }),
  },
  "gateway.envoyproxy.io": {
    "spec.endpoints[].fqdn.hostname": "endpoint",
    "spec.endpoints[].ip.address": "endpoint",
    "spec.endpoints[].unix.path": "socket",
    "spec.jwt.providers[].remoteJWKS.uri": "url",
    "spec.oidc.provider.issuer": "url",
    "spec.oidc.provider.tokenEndpoint": "url",
  },
  [MONITORS]: {
    ...each(["spec", "spec.targets.ingress"], { "namespaceSelector.matchNames[]": "namespace" }),
    "spec.kubernetesSDConfigs[].namespaces.names[]": "namespace",
    "spec.endpoints[].bearerTokenFile": "file",
    ...each(["spec.endpoints[].tlsConfig"], { caFile: "file", certFile: "file", keyFile: "file" }),
    "spec.fileSDConfigs[].files[]": "file",
    "spec.staticConfigs[].targets[]": "target",
    "spec.dnsSDConfigs[].names[]": "host",
    "spec.targets.staticConfig.static[]": "target",
    "spec.prober.url": "prober",
    ...each(
      [
        ...["spec", "spec.endpoints[]", "spec.podMetricsEndpoints[]", "spec.kubernetesSDConfigs[]"],
        "spec.prober",
      ],
      { proxyUrl: "url", "oauth2.tokenUrl": "url", "oauth2.proxyUrl": "url" },
    ),
  },
  // These controllers answer into a Secret or a status of the author.
  "generators.external-secrets.io": { "spec.url": "url" },
  "cert-manager.io": {
    "spec.acme.server": "url",
    "spec.vault.server": "target",
    ...each(["spec.venafi.tpp", "spec.venafi.cloud"], { url: "target" }),
    ...each(["spec.acme.solvers[].dns01"], {
      "acmeDNS.host": "target",
      "akamai.serviceConsumerDomain": "target",
      "rfc2136.nameserver": "target",
    }),
  },
  // The plugin of a KongPlugin, which has no spec.
  "configuration.konghq.com": { plugin: "plugin" },
};

/**
 * Kinds without a host that set a destination of a shared proxy. The webhook is called for these too. Agents of Cilium read
 * the addresses of endpoints from the status.
 */
export const DESTINATION_KINDS: Readonly<Record<string, readonly string[]>> = {
  "networking.istio.io": ["workloadentries"],
  "security.istio.io": ["requestauthentications"],
  "gloo.solo.io": ["upstreams", "upstreamgroups"],
  "gateway.envoyproxy.io": [
    ...["backends", "securitypolicies"],
    ...["envoypatchpolicies", "envoyextensionpolicies"],
  ],
  // Prometheus of the platform reads the metrics that these name, and sends what they name. Its Alertmanager sends alerts to
  // receivers. Its operator copies what the servers select, with credentials, into the namespace of the server.
  [MONITORS]: [
    ...["servicemonitors", "podmonitors", "probes", "scrapeconfigs", "alertmanagerconfigs"],
    ...["prometheuses", "prometheusagents", "alertmanagers", "thanosrulers"],
  ],
  "elbv2.k8s.aws": ["targetgroupbindings"],
  "external-secrets.io": ["secretstores"],
  "generators.external-secrets.io": ["webhooks"],
  "cert-manager.io": ["issuers"],
  "cilium.io": [
    "ciliumlocalredirectpolicies",
    "ciliumenvoyconfigs",
    "ciliumnetworkpolicies",
    "ciliumendpoints",
    "ciliumendpoints/status",
  ],
};

/** Whether an object of this kind sets a destination of a shared proxy. */
export const isDestinationKind = ({ group, resource }: AdmissionInput): boolean =>
  Object.hasOwn(DESTINATION_KINDS, group) && DESTINATION_KINDS[group]?.includes(resource) === true;

const TARGET_GROUPS: ReadonlySet<string> = new Set([
  "external-secrets.io",
  ...Object.entries(FIELDS).flatMap(([group, fields]) =>
    Object.values(fields).includes("target") ? [group] : [],
  ),
]);

/** Whether an object of this kind may have a field with the meaning `target`. */
export const callsTargets = (input: AdmissionInput): boolean =>
  TARGET_GROUPS.has(input.group) && isDestinationKind(input);

/** The fields of a product's kind that set a destination of its controller. */
export function destinationFields(
  { group, resource }: Pick<AdmissionInput, "group" | "resource">,
  object: unknown,
): DestinationField[] {
  const called = calledMembers(`${group}/${resource}`, mapOf(mapOf(object).spec));
  if (called !== undefined) return called;
  const fields = Object.hasOwn(FIELDS, group) ? (FIELDS[group] ?? {}) : {};
  return Object.entries(fields).flatMap(([path, meaning]) =>
    valuesAt(object, path.split(".")).map((found) => ({ ...found, meaning })),
  );
}

function valuesAt(
  value: unknown,
  [name, ...rest]: readonly string[],
  path = "",
): { path: string; value: string }[] {
  if (name === undefined) return typeof value === "string" ? [{ path, value }] : [];
  const member = name.replace(/\[\]$/, "");
  const at = path === "" ? member : `${path}.${member}`;
  const found = Object.hasOwn(mapOf(value), member) ? mapOf(value)[member] : undefined;
  if (!name.endsWith("[]")) return valuesAt(found, rest, at);
  return Array.isArray(found) ? found.flatMap((item, index) => valuesAt(item, rest, `${at}[${index}]`)) : [];
}
