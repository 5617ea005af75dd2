import { namespaceOfShortName } from "./host-name.ts";
import type { IdentityLists } from "./identity.ts";

export interface GuardFacts {
  /** Whether a namespace is guarded and not the requester's. */
  isForeignNamespace(name: string): boolean;
}

/** The facts that decide where the controller of an object may be sent. */
export interface DestinationFacts extends GuardFacts {
  lists: Pick<IdentityLists, "controllerNamespaces">;
}

const ADDRESS = /^[0-9.]+$|:|(?:^|\.)localhost$/;
/** The client itself, and the addresses of its link, such as that of a cloud's metadata. */
const LOCAL =
  /^(?:0|127)\.|^169\.254\.|^\[(?:::1?|::ffff:.*|fe[89ab][0-9a-f]:.*|fd00:ec2::254)\]$|(?:^|\.)localhost$/;

/** The problem with an address in place of a host name. Undefined for a name. `host` is normalised. */
export const addressProblem = (host: string): string | undefined =>
  ADDRESS.test(host) ? addressMessage(host) : undefined;

/** The problem with an address that means the client itself or its link. Undefined for every other host. */
export const localProblem = (host: string): string | undefined =>
  LOCAL.test(host) ? `${host} is the controller itself or its machine; name a host elsewhere` : undefined;

const addressMessage = (host: string): string =>
  `${host} is an address, which may lead into the network of the client; write the name of a host`;

/** The problem with a host that is a Service of a guarded namespace. Undefined for any other host. `host` is normalised. */
export function guardedServiceProblem(host: string, facts: GuardFacts): string | undefined {
  const namespace = namespaceOfShortName(host);
  return namespace !== undefined && facts.isForeignNamespace(namespace)
    ? `${host} is a Service in a namespace that is not yours; name another host`
    : undefined;
}
