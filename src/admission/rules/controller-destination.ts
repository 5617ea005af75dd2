import { annotationsOf, mapOf } from "../../api/object.ts";
import type { Problem } from "./change.ts";
import { fieldProblems } from "./destination-problem.ts";
import { addressProblem, type DestinationFacts, guardedServiceProblem } from "./guarded-service.ts";
import { normalHost } from "./host-name.ts";
import type { AdmissionInput } from "./request.ts";

/** Annotations of ingress-nginx, HAProxy Ingress and their forks that hold a URL or a host. */
const DESTINATION = /\/[a-z-]*(?:url|uri|signin|host|vhost|target|upstream)$/i;
/** The annotations among them whose address the controller calls itself, or by which a service mesh routes its calls. */
const CALLED = /\/(?:auth-url|mirror-target|mirror-host|upstream-vhost)$/i;

interface Destination {
  path: string;
  value: string;
  isCalled: boolean;
}

/**
 * An ingress controller can reach Services that the author of an Ingress cannot. The Ingress may not send it to guarded
 * ones.
 */
export function destinationProblems(
  input: AdmissionInput,
  object: unknown,
  facts: DestinationFacts,
): Problem[] {
  const called = destinations(input, object).flatMap(({ path, value, isCalled }) => {
    const message = problem(hostOf(value, input.namespace), isCalled, facts);
    return message === undefined ? [] : [{ path, message }];
  });
  return [...called, ...fieldProblems(input, object, facts)];
}

function destinations({ group }: AdmissionInput, object: unknown): Destination[] {
  const { spec } = mapOf(object);
  const found: [path: string, value: unknown, isCalled: boolean][] = Object.entries(annotationsOf(object))
    .filter(([name]) => DESTINATION.test(name))
    .map(([name, value]) => [`metadata.annotations[${name}]`, value, CALLED.test(name)]);
  // A Middleware of Traefik.
  if (group.startsWith("traefik."))
    found.push(["spec.forwardAuth.address", mapOf(mapOf(spec).forwardAuth).address, true]);
  return found.flatMap(([path, value, isCalled]) =>
    typeof value === "string" ? [{ path, value, isCalled }] : [],
  );
}

/**
 * nginx chooses the Ingress by `$host`, so its value is a host of the Ingress. Visitors choose the value of every other
 * variable, `$http_host` included. With more than one label before it, a host of the Ingress such as `svc.cluster.local`
 * could complete the name of a Service.
 */
const OWN_HOST = /^(?:[a-z0-9-]+\.)?\$host$/i;

function problem(text: string, isCalled: boolean, facts: DestinationFacts): string | undefined {
  const isVariable = text.includes("$");
  if (isVariable && isCalled && !OWN_HOST.test(text))
    return "with this variable in the host, visitors choose what the controller calls; write the name of a host";
  const host = isVariable ? text.toLowerCase() : normalHost(text);
  return (isCalled ? addressProblem(host) : undefined) ?? guardedServiceProblem(host, facts);
}

/** The form in which HAProxy Ingress names a Service, with or without its namespace. */
const SERVICE_URL = /^svc:\/\/(?:(?<namespace>[^/:]+)\/)?(?<name>[^/:]+)/i;

/**
 * The host in a URL, or the part before the path of a value without a scheme. ingress-nginx sets some variables from the
 * Ingress itself. A path of nginx begins with a slash.
 */
function hostOf(value: string, ownNamespace: string): string {
  const text = value
    .trim()
    .replaceAll(/\$namespace\b/g, ownNamespace)
    .replaceAll(/\$service_name\b/g, "service")
    .replaceAll(/\$(?:request_uri|uri)\b/g, "/");
  const service = SERVICE_URL.exec(text)?.groups;
  if (service !== undefined) return `${service.name}.${service.namespace ?? ownNamespace}`;
  const authority = /^(?:[^/?#\\]*[/\\]{2})?(?<authority>[^/?#\\]*)/.exec(text)?.groups?.authority ?? "";
  return authority.slice(authority.lastIndexOf("@") + 1).replace(/:[^:\]]*$/, "");
}
