import { type LookupAddress, lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { getCACertificates } from "node:tls";
import { Agent, type RequestInit, fetch as undiciFetch } from "undici";
import { addressOf, isPublicAddress, isRemoteAddress } from "./address.ts";

/** Which addresses a request may go to. */
export type Destination =
  /** A registry that the platform lists: any address. */
  | "listed"
  /** The host that a reference names: no address of this machine or its link. */
  | "named"
  /** A host that a registry's answer names, by a redirect or as its token service: public addresses only. */
  | "foreign";

const IS_ALLOWED: Record<Destination, (address: string) => boolean> = {
  listed: () => true,
  named: isRemoteAddress,
  foreign: isPublicAddress,
};

/** A `fetch` for one exchange. `first` is for its first request, and `next` for redirects. */
export type RegistryFetch = (first: Destination, next: Destination) => typeof fetch;

/**
 * Requests to registries. Users choose the hosts in references, and a host chooses where it redirects to, so each request
 * may reach only the addresses that its origin allows. The address is checked when the connection is made, because a name
 * may resolve to another address each time. `caPem` holds certificates that are trusted in addition to the default ones.
 */
export function createRegistryFetch(caPem?: string): RegistryFetch {
  const ca = caPem === undefined ? {} : { ca: [...getCACertificates("default"), caPem] };
  const agentFor = (destination: Destination) =>
    new Agent({ connect: { ...ca, lookup: createGuardedLookup(IS_ALLOWED[destination]) } });
  const agents = { listed: agentFor("listed"), named: agentFor("named"), foreign: agentFor("foreign") };
  return (first, next) => {
    let destination = first;
    const send = (input: string, init: RequestInit): Promise<unknown> => {
      const url = new URL(input);
      const [isAllowed, dispatcher] = [IS_ALLOWED[destination], agents[destination]];
      destination = next;
      const address = addressOf(url);
      // A connection to an address does not call the guarded lookup, so check the address here.
      if (address !== undefined && !isAllowed(address)) return Promise.reject(refusedAddress(address));
      return undiciFetch(url, { ...init, dispatcher });
    };
    // Node's own `fetch` has the same form, but takes no dispatcher of another version of undici.
    return send as unknown as typeof fetch;
  };
}

/** Resolves a name, and fails when one of its addresses is not allowed. */
export function createGuardedLookup(
  isAllowed: (address: string) => boolean,
  lookup: typeof systemLookup = systemLookup,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      const refused = error === null ? found.find(({ address }) => !isAllowed(address)) : undefined;
      const [first] = found ?? [];
      if (error !== null) return callback(error, []);
      if (refused !== undefined || first === undefined) return callback(refusedAddress(hostname), []);
      if (options.all === true) return callback(null, found);
      return callback(null, first.address, first.family);
    });
  };
}

const refusedAddress = (host: string): Error =>
  new Error(
    `${host} is an address that this registry may not lead to: list the registry in insecureRegistries or --registry-mirrors if it may`,
  );
