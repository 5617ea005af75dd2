import { annotationsOf, mapOf } from "../../api/object.ts";
import { claim, type HostClaim, hostsIn } from "./claimed-host.ts";
import { surveyOf } from "./object-survey.ts";
import { annotationsPath, type FoundPodSpec } from "./pod-template.ts";

/**
 * external-dns makes DNS records for the hosts in these annotations, whatever the kind of the object. cert-manager makes
 * certificates for them.
 */
const NAME_ANNOTATION =
  /^external-dns\..*\/(?:internal-)?hostname$|^cert-manager\.io\/(?:common-name|alt-names)$/;
/**
 * nginx, HAProxy, Kong and Azure's gateway serve these hosts besides those that the Ingress names. A value that begins with ~
 * is a pattern.
 */
const ALIAS_ANNOTATION = /\/(?:(?:server-alias|redirect-from)(?:-regex)?|host-aliases|hostname-extension)$/;
/** The load balancer of AWS serves the hosts in these conditions, which are JSON, besides that of the rule. */
const CONDITION_ANNOTATION = /^alb\.ingress\.kubernetes\.io\/conditions\./;

/** Emissary reads Mappings, Hosts and Modules of the shared gateway from this annotation of a Service or an Ingress. */
const GATEWAY_ANNOTATION = "getambassador.io/config";

/** How the names of these annotations end. The webhook is called for Services that have one. */
export const HOST_ANNOTATION_SUFFIXES: readonly string[] = [
  ...["/hostname", "/internal-hostname", "/common-name", "/alt-names"],
  ...["/server-alias", "/server-alias-regex", GATEWAY_ANNOTATION],
];

interface Annotation {
  path: string;
  name: string;
  value: string;
}

/**
 * The annotations of an object, those that a controller copies from a Gateway to the Service that it makes, and those of
 * Pods. A Pod's own are listed once, because they are one map.
 */
function annotationList(object: unknown, podSpecs: readonly FoundPodSpec[]): Annotation[] {
  const { infrastructure } = mapOf(mapOf(object).spec);
  const owners = new Map([
    [annotationsOf(object), "metadata.annotations"],
    [mapOf(mapOf(infrastructure).annotations), "spec.infrastructure.annotations"],
  ]);
  for (const found of podSpecs)
    if (found.annotations !== undefined) owners.set(found.annotations, annotationsPath(found));
  return [...owners].flatMap(([annotations, owner]) =>
    Object.entries(annotations).flatMap(([name, value]) =>
      typeof value === "string" ? [{ path: `${owner}[${name}]`, name, value }] : [],
    ),
  );
}

/** The annotations of a Service, or of a Gateway and its Service. */
export const serviceAnnotations = (object: unknown): Annotation[] => annotationList(object, []);

export const annotationClaims = (object: unknown): HostClaim[] =>
  annotationList(object, surveyOf(object).podSpecs).flatMap(claimsOf);

function claimsOf({ path, name, value }: Annotation): HostClaim[] {
  if (name === GATEWAY_ANNOTATION)
    return [claim(path, "a configuration in this annotation, and not in a Mapping,", "*")];
  if (NAME_ANNOTATION.test(name)) return hostsIn(value).map((host) => claim(path, host));
  if (CONDITION_ANNOTATION.test(name)) return conditionClaims(path, value);
  return ALIAS_ANNOTATION.test(name) ? aliasClaims(path, name, value) : [];
}

/** Texts with a slash are paths. An escape may hide a host, and with a regular expression it is not known which hosts match. */
function conditionClaims(path: string, value: string): HostClaim[] {
  if (/\\|regex/i.test(value)) return [claim(path, "a pattern or an escape in this annotation", "*")];
  if (!/host-?header/i.test(value)) return [];
  return [...value.matchAll(/"([^"/]*[.*][^"/]*)"/g)].map(([, host = ""]) => claim(path, host));
}

const aliasClaims = (path: string, name: string, value: string): HostClaim[] =>
  hostsIn(value).map((alias) =>
    name.endsWith("-regex") || alias.startsWith("~") ? claim(path, alias, "*") : claim(path, alias),
  );
