import { namespaceOfShortName } from "./host-name.ts";

export interface GuardFacts {
  /** Whether a namespace is guarded and not the requester's. */
  isForeignNamespace(name: string): boolean;
}

const ADDRESS = /^[0-9.]+$|:|(?:^|\.)localhost$/;

/** The problem with an address in place of a host name. Undefined for a name. `host` is normalised. */
export const addressProblem = (host: string): string | undefined =>
  ADDRESS.test(host)
    ? `${host} is an address, which may lead into the network of the client; write the name of a host`
    : undefined;

/** The problem with a host that is a Service of a guarded namespace. Undefined for any other host. `host` is normalised. */
export function guardedServiceProblem(host: string, facts: GuardFacts): string | undefined {
  const namespace = namespaceOfShortName(host);
  return namespace !== undefined && facts.isForeignNamespace(namespace)
    ? `${host} is a Service in a namespace that is not yours; name another host`
    : undefined;
}
