import { mapOf } from "../../api/object.ts";
import { addressProblem, type GuardFacts, guardedServiceProblem } from "./guarded-service.ts";
import { normalHost } from "./host-name.ts";
import type { AdmissionInput } from "./request.ts";

/** What a field says: a host or a URL that the controller calls, an endpoint to which it sends traffic, or a namespace. */
type Meaning = "host" | "endpoint" | "url" | "namespace";

type Fields = Readonly<Record<string, Meaning>>;

/** Paths from the object to fields that send a controller somewhere. `[]` stands for each item of a list. */
const FIELDS: Readonly<Record<string, Fields>> = {
  "networking.istio.io": {
    "spec.http[].route[].destination.host": "host",
    "spec.http[].mirror.host": "host",
    "spec.http[].mirrors[].destination.host": "host",
    "spec.http[].delegate.namespace": "namespace",
    "spec.tls[].route[].destination.host": "host",
    "spec.tcp[].route[].destination.host": "host",
    "spec.endpoints[].address": "endpoint",
    // Of a WorkloadEntry.
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
  "traefik.io": {
    "spec.routes[].services[].namespace": "namespace",
    "spec.weighted.services[].namespace": "namespace",
    "spec.mirroring.namespace": "namespace",
    "spec.mirroring.mirrors[].namespace": "namespace",
  },
  "cilium.io": {
    "spec.services[].namespace": "namespace",
    "spec.backendServices[].namespace": "namespace",
  },
  "getambassador.io": { "spec.service": "url" },
};

/**
 * Kinds that send traffic somewhere and ask for no host. The webhook is called for these as well. An agent of Cilium
 * reads the addresses of endpoints from their status.
 */
export const DESTINATION_KINDS: Readonly<Record<string, readonly string[]>> = {
  "networking.istio.io": ["workloadentries"],
  "cilium.io": [
    "ciliumlocalredirectpolicies",
    "ciliumenvoyconfigs",
    "ciliumendpoints",
    "ciliumendpoints/status",
  ],
};

/** Whether an object of this kind sends traffic somewhere. */
export const isDestinationKind = ({ group, resource }: AdmissionInput): boolean =>
  Object.hasOwn(DESTINATION_KINDS, group) && DESTINATION_KINDS[group]?.includes(resource) === true;

interface Problem {
  path: string;
  message: string;
}

/** What is wrong with the fields of a product's kind that send its controller somewhere. */
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
  if (meaning === "endpoint" && /^unix:/i.test(value.trim()))
    return "a socket leads into the proxy itself; write the name of a host";
  const host = meaning === "url" ? hostOfUrl(value) : normalHost(value);
  // The host of a route is a name in the mesh, which an address is not.
  const isCalled = meaning !== "host";
  return (isCalled ? addressProblem(host) : undefined) ?? guardedServiceProblem(host, facts);
}

/** The host of `scheme://host:port/path`, with or without the scheme. */
function hostOfUrl(text: string): string {
  const authority =
    /^(?:[^/?#\\]*[/\\]{2})?(?<authority>[^/?#\\]*)/.exec(text.trim())?.groups?.authority ?? "";
  return normalHost(authority.slice(authority.lastIndexOf("@") + 1));
}
