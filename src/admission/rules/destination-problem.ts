import type { Problem } from "./change.ts";
import { destinationFields } from "./destination-field.ts";
import type { Meaning } from "./destination-meaning.ts";
import {
  addressProblem,
  type DestinationFacts,
  guardedServiceProblem,
  localProblem,
} from "./guarded-service.ts";
import { namespaceOfShortName, normalHost } from "./host-name.ts";
import type { AdmissionInput } from "./request.ts";

/** Problems in the fields of a product's kind that set a destination of its controller. */
export const fieldProblems = (input: AdmissionInput, object: unknown, facts: DestinationFacts): Problem[] =>
  destinationFields(input, object).flatMap(({ path, value, meaning }) => {
    const message = JUDGES[meaning](value, input.namespace, facts);
    return message === undefined ? [] : [{ path, message }];
  });

/** Plugins of Kong and APISIX that run the code in their configuration. */
const CODE_PLUGINS = [
  ...["pre-function", "post-function", "exit-transformer"],
  ...["serverless-pre-function", "serverless-post-function"],
];

const SOCKET_MESSAGE = "a socket leads into the proxy itself; write the name of a host";

/** `<namespace>-<name>@kubernetescrd`: an object of Traefik in any namespace. Both parts may contain hyphens. */
const REFERENCE = /^(?<text>[^@]+)@kubernetescrd$/i;

/** The problem with a name of Traefik that could be that of an object in a namespace of others. `own` is the requester's. */
export function referenceProblem(value: string, own: string, facts: DestinationFacts): string | undefined {
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
  Record<Meaning, (value: string, own: string, facts: DestinationFacts) => string | undefined>
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
  // The author sees little of the answer. So an address may be that of a machine outside the cluster. Rule
  // `service-address` compares it with those of others.
  target: (value, _, facts) => targetProblem(hostOfUrl(value), facts),
  // The platform's exporter is beside its Prometheus, in the namespace of a controller.
  prober: (value, _, facts) =>
    isOfController(hostOfUrl(value), facts) ? undefined : targetProblem(hostOfUrl(value), facts),
  // The host of a route is a name in the mesh. An address names nothing there, so it is no problem.
  host: (value, _, facts) => guardedServiceProblem(normalHost(value), facts),
};

const calledProblem = (host: string, facts: DestinationFacts): string | undefined =>
  templateProblem(host) ?? addressProblem(host) ?? guardedServiceProblem(host, facts);

const targetProblem = (host: string, facts: DestinationFacts): string | undefined =>
  templateProblem(host) ?? localProblem(host) ?? guardedServiceProblem(host, facts);

export const isOfController = (host: string, { lists }: DestinationFacts): boolean =>
  lists.controllerNamespaces.includes(namespaceOfShortName(host) ?? "");

const templateProblem = (host: string): string | undefined =>
  /\{\{|%/.test(host) ? "a template in the host may name any host; write the name of a host" : undefined;

/** The hosts that the controller of an object calls, where the author sees little of the answer. */
export const targetHosts = (
  kind: Pick<AdmissionInput, "group" | "resource">,
  object: unknown,
): { path: string; host: string }[] =>
  destinationFields(kind, object)
    .filter(({ meaning }) => meaning === "target" || meaning === "prober")
    .map(({ path, value }) => ({ path, host: hostOfUrl(value) }));

/** The host of `scheme://host:port/path`, with or without the scheme. */
export function hostOfUrl(text: string): string {
  const authority =
    /^(?:[^/?#\\]*[/\\]{2})?(?<authority>[^/?#\\]*)/.exec(text.trim())?.groups?.authority ?? "";
  return normalHost(authority.slice(authority.lastIndexOf("@") + 1));
}
