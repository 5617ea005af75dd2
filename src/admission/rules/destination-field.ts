import { mapOf } from "../../api/object.ts";
import type { Problem } from "./change.ts";
import { addressProblem, type GuardFacts, guardedServiceProblem } from "./guarded-service.ts";
import { normalHost } from "./host-name.ts";
import type { AdmissionInput } from "./request.ts";

/**
 * The meaning of a field: a host or a URL that the controller calls, an endpoint to which it sends traffic, a URL that it
 * probes, a namespace, a service or another object of Traefik, a plugin of the proxy, a socket or another file of the
 * controller.
 */
type Meaning =
  | ("host" | "endpoint" | "url" | "target" | "namespace")
  | ("service" | "reference" | "plugin")
  | ("socket" | "file");

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
  "monitoring.coreos.com": {
    ...each(["spec", "spec.targets.ingress"], { "namespaceSelector.matchNames[]": "namespace" }),
    "spec.kubernetesSDConfigs[].namespaces.names[]": "namespace",
    "spec.endpoints[].bearerTokenFile": "file",
    ...each(["spec.endpoints[].tlsConfig"], { caFile: "file", certFile: "file", keyFile: "file" }),
    "spec.fileSDConfigs[].files[]": "file",
    "spec.staticConfigs[].targets[]": "host",
    "spec.dnsSDConfigs[].names[]": "host",
    "spec.targets.staticConfig.static[]": "target",
    ...each(["spec", "spec.endpoints[]", "spec.podMetricsEndpoints[]"], {
      proxyUrl: "url",
      "oauth2.tokenUrl": "url",
    }),
  },
  // These controllers answer into a Secret or a status of the author.
  "external-secrets.io": { "spec.provider.webhook.url": "url", "spec.provider.vault.server": "target" },
  "generators.external-secrets.io": { "spec.url": "url" },
  "cert-manager.io": { "spec.acme.server": "url", "spec.vault.server": "target" },
  // The plugin of a KongPlugin, which has no spec.
  "configuration.konghq.com": { plugin: "plugin" },
};

/** Plugins of Kong and APISIX that run the code in their configuration. */
const CODE_PLUGINS = [
  ...["pre-function", "post-function", "exit-transformer"],
  ...["serverless-pre-function", "serverless-post-function"],
];

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
  // Prometheus of the platform reads the metrics that these name, and sends what they name.
  "monitoring.coreos.com": ["servicemonitors", "podmonitors", "probes", "scrapeconfigs"],
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

/** Problems in the fields of a product's kind that set a destination of its controller. */
export function fieldProblems(
  { group, namespace }: AdmissionInput,
  object: unknown,
  facts: GuardFacts,
): Problem[] {
  const fields = Object.hasOwn(FIELDS, group) ? (FIELDS[group] ?? {}) : {};
  return Object.entries(fields).flatMap(([path, meaning]) =>
    valuesAt(object, path.split(".")).flatMap((found) => {
      const message = JUDGES[meaning](found.value, namespace, facts);
      return message === undefined ? [] : [{ path: found.path, message }];
    }),
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

const SOCKET_MESSAGE = "a socket leads into the proxy itself; write the name of a host";

/** `<namespace>-<name>@kubernetescrd`: an object of Traefik in any namespace. Both parts may contain hyphens. */
const REFERENCE = /^(?<text>[^@]+)@kubernetescrd$/i;

/** The problem with a name of Traefik that could be that of an object in a namespace of others. `own` is the requester's. */
export function referenceProblem(value: string, own: string, facts: GuardFacts): string | undefined {
  const parts = REFERENCE.exec(value.trim())?.groups?.text?.split("-") ?? [];
  const isForeign = parts
    .map((_, index) => parts.slice(0, index).join("-"))
    .some((name) => name.length > ownLength(parts, own) && facts.isForeignNamespace(name));
  return isForeign
    ? `${value} may be in a namespace that is not yours; name an object of namespace ${own}`
    : undefined;
}

/** In a name that begins with the requester's namespace, only a longer namespace may be that of others. */
const ownLength = (parts: readonly string[], own: string): number =>
  parts.join("-").startsWith(`${own}-`) ? own.length : 0;

/** The problem with a value of each meaning, in an object of namespace `own`. */
const JUDGES: Readonly<
  Record<Meaning, (value: string, own: string, facts: GuardFacts) => string | undefined>
> = {
  namespace: (value, _, facts) =>
    facts.isForeignNamespace(value)
      ? `namespace ${value} is not yours; name a namespace where you work`
      : undefined,
  plugin: (value) =>
    CODE_PLUGINS.includes(value)
      ? `${value} runs your code in the proxy that all tenants share; remove it, or ask the platform team`
      : undefined,
  service: (value) =>
    value.includes("@")
      ? `${value} belongs to Traefik or to another provider, which has the services of all; name a Service of your own`
      : undefined,
  reference: referenceProblem,
  socket: () => SOCKET_MESSAGE,
  file: (value) => `${value} is a file of the controller; name a Secret of your own`,
  endpoint: (value, _, facts) =>
    /^unix:/i.test(value.trim()) ? SOCKET_MESSAGE : calledProblem(normalHost(value), facts),
  url: (value, _, facts) => calledProblem(hostOfUrl(value), facts),
  // The author sees little of the answer. So an address is no problem, as that of a machine outside the cluster.
  target: (value, _, facts) => guardedServiceProblem(hostOfUrl(value), facts),
  // The host of a route is a name in the mesh. An address names nothing there, so it is no problem.
  host: (value, _, facts) => guardedServiceProblem(normalHost(value), facts),
};

const calledProblem = (host: string, facts: GuardFacts): string | undefined =>
  host.includes("{{")
    ? "a template in the host may name any host; write the name of a host"
    : (addressProblem(host) ?? guardedServiceProblem(host, facts));

/** The host of `scheme://host:port/path`, with or without the scheme. */
function hostOfUrl(text: string): string {
  const authority =
    /^(?:[^/?#\\]*[/\\]{2})?(?<authority>[^/?#\\]*)/.exec(text.trim())?.groups?.authority ?? "";
  return normalHost(authority.slice(authority.lastIndexOf("@") + 1));
}
