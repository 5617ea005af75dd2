import { mapOf } from "../../api/object.ts";
import type { Problem } from "./change.ts";
import { addressProblem, type GuardFacts, guardedServiceProblem } from "./guarded-service.ts";
import { normalHost } from "./host-name.ts";
import type { AdmissionInput } from "./request.ts";

/**
 * The meaning of a field: a host or a URL that the controller calls, an endpoint to which it sends traffic, a namespace, a
 * service of Traefik, a plugin of the proxy.
 */
type Meaning = "host" | "endpoint" | "url" | "namespace" | "service" | "plugin";

type Fields = Readonly<Record<string, Meaning>>;

const each = (places: readonly string[], fields: Fields): Fields =>
  Object.fromEntries(
    places.flatMap((place) => Object.entries(fields).map(([field, it]) => [`${place}.${field}`, it])),
  );

const TRAEFIK: Fields = each(
  [
    ...["spec.routes[].services[]", "spec.weighted.services[]", "spec.highestRandomWeight.services[]"],
    ...["spec.mirroring", "spec.mirroring.mirrors[]", "spec.errors.service"],
  ],
  { name: "service", namespace: "namespace" },
);

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
export function fieldProblems({ group }: AdmissionInput, object: unknown, facts: GuardFacts): Problem[] {
  const fields = Object.hasOwn(FIELDS, group) ? (FIELDS[group] ?? {}) : {};
  return Object.entries(fields).flatMap(([path, meaning]) =>
    valuesAt(object, path.split(".")).flatMap((found) => {
      const message = problemOf(found.value, meaning, facts);
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

function problemOf(value: string, meaning: Meaning, facts: GuardFacts): string | undefined {
  if (meaning === "namespace")
    return facts.isForeignNamespace(value)
      ? `namespace ${value} is not yours; name a namespace where you work`
      : undefined;
  if (meaning === "plugin")
    return CODE_PLUGINS.includes(value)
      ? `${value} runs your code in the proxy that all tenants share; remove it, or ask the platform team`
      : undefined;
  if (meaning === "service")
    return value.includes("@")
      ? `${value} belongs to Traefik or to another provider, which has the services of all; name a Service of your own`
      : undefined;
  if (meaning === "endpoint" && /^unix:/i.test(value.trim()))
    return "a socket leads into the proxy itself; write the name of a host";
  const host = meaning === "url" ? hostOfUrl(value) : normalHost(value);
  // The host of a route is a name in the mesh. An address names nothing there, so it is no problem.
  const isCalled = meaning !== "host";
  return (isCalled ? addressProblem(host) : undefined) ?? guardedServiceProblem(host, facts);
}

/** The host of `scheme://host:port/path`, with or without the scheme. */
function hostOfUrl(text: string): string {
  const authority =
    /^(?:[^/?#\\]*[/\\]{2})?(?<authority>[^/?#\\]*)/.exec(text.trim())?.groups?.authority ?? "";
  return normalHost(authority.slice(authority.lastIndexOf("@") + 1));
}
