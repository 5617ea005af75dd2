import { GROUP } from "../../api/kind.ts";
import { annotationsOf, isMap, listOf, mapOf } from "../../api/object.ts";
import { claim, claimsIn, type HostClaim, hostsIn, MAX_CLAIMS } from "./claimed-host.ts";
import { annotationClaims } from "./host-annotation.ts";
import { MAX_OBJECT_DEPTH, surveyOf } from "./object-survey.ts";
import { type AdmissionInput, isObjectOrStatus } from "./request.ts";
import { hostsOfMatch } from "./router-match.ts";

/** API groups whose kinds serve hosts, or obtain DNS names or certificates for them. The webhook is called for these. */
export const HOST_GROUPS: Readonly<Record<string, readonly string[]>> = {
  "networking.k8s.io": ["ingresses"],
  extensions: ["ingresses"],
  "gateway.networking.k8s.io": ["*"],
  "gateway.networking.x-k8s.io": ["*"],
  "cert-manager.io": ["certificates", "certificaterequests"],
  "acme.cert-manager.io": ["orders", "challenges"],
  "externaldns.k8s.io": ["*"],
  "networking.istio.io": ["gateways", "serviceentries", "virtualservices"],
  "cis.f5.com": ["*"],
  "traefik.io": ["*"],
  "traefik.containo.us": ["*"],
  "projectcontour.io": ["*"],
  "route.openshift.io": ["routes"],
  "k8s.nginx.org": ["*"],
  "networking.gke.io": ["managedcertificates"],
  "serving.knative.dev": ["domainmappings"],
  "getambassador.io": ["*"],
  "gateway.solo.io": ["*"],
  "apisix.apache.org": ["*"],
  "configuration.konghq.com": ["*"],
  "zalando.org": ["*"],
};

/** Whether an object of this kind may ask for hosts. A write of an Ingress's status may change its annotations. */
export function servesHosts(input: AdmissionInput): boolean {
  const { group, resource } = input;
  const resources = Object.hasOwn(HOST_GROUPS, group) ? HOST_GROUPS[group] : undefined;
  return isObjectOrStatus(input) && resources?.some((it) => it === "*" || it === resource) === true;
}

/** Members of those kinds that hold hosts, in lower case. */
const HOST_MEMBERS = new Set([
  ...["host", "hosts", "hostname", "hostnames", "fqdn", "domain", "domains", "sni", "snis", "snihosts"],
  ...["domainname", "hostaliases"],
  ...["dnsname", "dnsnames", "commonname", "servername", "servernames", "main", "sans"],
]);

/** Members that set the destination of requests, or change requests. Hosts below these are not claimed. */
const DESTINATION_MEMBERS = new Set([
  ...["backend", "backends", "backendrefs", "destination", "destinations", "mirror", "mirrors", "upstreams"],
  ...["redirect", "requestredirect", "rewrite", "urlrewrite", "headers", "filters", "validation"],
]);

/** In characters of base64. A request with 100 names and a key of 4096 bits has a quarter of this. */
const MAX_REQUEST_LENGTH = 64 * 1024;

/** The hosts that an object asks for: in the members of its spec, and by annotations. */
export function hostClaims(input: AdmissionInput, object: unknown): HostClaim[] {
  const claims = allClaims(input, object);
  return claims.length <= MAX_CLAIMS
    ? claims
    : [...claims.slice(0, MAX_CLAIMS), claim("spec", `an object with more than ${MAX_CLAIMS} hosts`, "*")];
}

/** Kinds with a certificate signing request. */
const HOLDS_REQUEST = ["certificaterequests", "orders"];

function allClaims(input: AdmissionInput, object: unknown): HostClaim[] {
  // An absent object asks for nothing, but some kinds ask for every host when they name none.
  if (object === undefined) return [];
  const { spec, metadata } = mapOf(object);
  const claims = [...annotationClaims(object), ...volumeClaims(input, object)];
  if (input.group === GROUP)
    return input.resource === "sovereigns"
      ? [...claims, ...claimsIn("spec.branding.hostname", mapOf(mapOf(spec).branding).hostname)]
      : claims;
  if (!servesHosts(input)) return claims;
  const named = input.resource === "domainmappings" ? claimsIn("metadata.name", mapOf(metadata).name) : [];
  const inSpec = [
    ...memberClaims(input.group, spec),
    ...everyHostClaims(input, mapOf(spec)),
    ...(HOLDS_REQUEST.includes(input.resource) ? requestClaims("spec.request", mapOf(spec).request) : []),
  ];
  return [...claims, ...named, ...inSpec, ...wwwClaims(object, inSpec)];
}

/** Kinds of the Gateway API that serve the hosts of a listener when they name none. */
const ROUTES = ["httproutes", "grpcroutes", "tlsroutes"];

const everyHost = (path: string, text: string): HostClaim => claim(path, text, "*");
const isEmpty = (list: unknown): boolean => listOf(list).length === 0;

/**
 * A route without a host serves every host of the gateway that all tenants share, on the paths that it names. An Ingress
 * with only a default backend claims no host, because it serves only requests that no other Ingress matches.
 */
function everyHostClaims(input: AdmissionInput, spec: Record<string, unknown>): HostClaim[] {
  const { group, resource } = input;
  if (resource === "ingresses") return ruleClaims(spec);
  if (ROUTES.includes(resource)) return routeClaims(input, spec);
  if (resource === "apisixroutes")
    return listOf(spec.http).flatMap((route, index) =>
      isEmpty(mapOf(mapOf(route).match).hosts)
        ? [everyHost(`spec.http[${index}].match.hosts`, "a route without hosts")]
        : [],
    );
  if (resource === "routegroups")
    return isEmpty(spec.hosts) ? [everyHost("spec.hosts", "a route without hosts")] : [];
  return group === "gateway.solo.io" && isMap(spec.virtualHost) && isEmpty(spec.virtualHost.domains)
    ? [everyHost("spec.virtualHost.domains", "a virtual host without domains")]
    : [];
}

const ruleClaims = ({ rules }: Record<string, unknown>): HostClaim[] =>
  listOf(rules).flatMap((rule, index) =>
    mapOf(rule).host === undefined || mapOf(rule).host === ""
      ? [everyHost(`spec.rules[${index}].host`, "a rule without a host")]
      : [],
  );

function routeClaims({ namespace }: AdmissionInput, spec: Record<string, unknown>): HostClaim[] {
  const isShared = listOf(spec.parentRefs).some(
    (parent) => (mapOf(parent).namespace ?? namespace) !== namespace,
  );
  return isShared && isEmpty(spec.hostnames)
    ? [everyHost("spec.hostnames", "a route without hostnames at a Gateway of another namespace")]
    : [];
}

interface Member {
  value: unknown;
  path: string;
  /** In lower case. Items of a list have the name of the list. */
  name: string;
  depth: number;
}

function memberClaims(group: string, spec: unknown): HostClaim[] {
  const found: HostClaim[] = [];
  const open: Member[] = [{ value: spec, path: "spec", name: "spec", depth: 0 }];
  for (let next = open.pop(); next !== undefined && found.length <= MAX_CLAIMS; next = open.pop()) {
    found.push(...claimsOf(group, next));
    addMembers(next, open);
  }
  return found.reverse();
}

function claimsOf(group: string, { value, path, name }: Member): HostClaim[] {
  if (typeof value !== "string") return [];
  if (HOST_MEMBERS.has(name)) return claimsIn(path, value);
  if (name === "literalsubject") return subjectClaims(path, value);
  return name === "match" && group.startsWith("traefik.") ? matchClaims(path, value) : [];
}

function addMembers({ value, path, name, depth }: Member, open: Member[]): void {
  if (depth > MAX_OBJECT_DEPTH || DESTINATION_MEMBERS.has(name)) return;
  if (Array.isArray(value))
    value.forEach((item: unknown, index) => {
      open.push({ value: item, path: `${path}[${index}]`, name, depth: depth + 1 });
    });
  else
    for (const [member, item] of Object.entries(mapOf(value)))
      open.push({ value: item, path: `${path}.${member}`, name: member.toLowerCase(), depth: depth + 1 });
}

/** The subject of a Certificate as text: `CN=a.example,O=shop`. */
function subjectClaims(path: string, subject: string): HostClaim[] {
  return subject.split(/[,+;]/).flatMap((part) => {
    const [name = "", value = ""] = part.split("=");
    return name.trim().toUpperCase() === "CN" ? claimsIn(path, value.trim()) : [];
  });
}

/** The expression of a router in Traefik. One that names no host matches every host. */
function matchClaims(path: string, match: string): HostClaim[] {
  return hostsOfMatch(match)?.map((host) => claim(path, host)) ?? [claim(path, match, "*")];
}

const WWW_REDIRECT = "nginx.ingress.kubernetes.io/from-to-www-redirect";

/** With this annotation, ingress-nginx also serves each host with, or without, `www.` before it. */
function wwwClaims(object: unknown, claims: readonly HostClaim[]): HostClaim[] {
  if (annotationsOf(object)[WWW_REDIRECT] !== "true") return [];
  return claims.map(({ path, text, pattern }) =>
    claim(path, text, pattern.startsWith("www.") ? pattern.slice(4) : `www.${pattern}`),
  );
}

/** cert-manager's driver of inline volumes obtains certificates for these. */
const NAME_ATTRIBUTES = ["csi.cert-manager.io/common-name", "csi.cert-manager.io/dns-names"];

/** The value may contain the variable of the Pod's namespace, and other variables whose values its author chooses. */
const withVariables = (text: string, namespace: string): string =>
  text.replaceAll(/\$\{POD_NAMESPACE\}/g, namespace).replaceAll(/\$\{[^}]*\}/g, "*");

const volumeClaims = ({ namespace }: AdmissionInput, object: unknown): HostClaim[] =>
  surveyOf(object).podSpecs.flatMap(({ path, spec }) =>
    listOf(spec.volumes).flatMap((volume, index) => {
      const attributes = mapOf(mapOf(mapOf(volume).csi).volumeAttributes);
      return NAME_ATTRIBUTES.flatMap((name) => {
        const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
        const at = `${path}.volumes[${index}].csi.volumeAttributes[${name}]`;
        return typeof value !== "string"
          ? []
          : hostsIn(withVariables(value, namespace)).map((host) => claim(at, host));
      });
    }),
  );

/** The tags of strings in DER: a DNS name, and the four kinds of text that a subject may have. */
const STRING_TAGS = [0x82, 0x0c, 0x13, 0x14, 0x16];

/** A certificate signing request holds its names as strings: a tag, the length and the text. */
function requestClaims(path: string, request: unknown): HostClaim[] {
  if (typeof request !== "string") return [];
  if (request.length > MAX_REQUEST_LENGTH) return [claim(path, "a request of this length", "*")];
  const decoded = Buffer.from(request, "base64");
  const pem = /-----BEGIN [A-Z ]+-----(?<body>[^-]+)-----END/.exec(decoded.toString("latin1"));
  const bytes = pem?.groups?.body === undefined ? decoded : Buffer.from(pem.groups.body, "base64");
  const names = new Set<string>();
  for (let at = 0; at < bytes.length; at += 1) {
    if (!STRING_TAGS.includes(bytes[at] ?? 0)) continue;
    const start = bytes[at + 1] === 0x81 ? at + 3 : at + 2;
    const text = bytes.toString("latin1", start, start + (bytes[start - 1] ?? 0));
    if (/^[a-z0-9*_.-]{1,253}$/i.test(text)) names.add(text);
  }
  // The denial shows none of the decoded names, so its readers see no more than the requester's own base64.
  return [...names].map((name) => ({ ...claim(path, name), shown: "a host in the request" }));
}
