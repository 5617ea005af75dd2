import { createSingleFlight } from "../platform/single-flight.ts";
import { clusterAddresses, heldAddresses, newAddresses } from "./rules/balancer-address.ts";
import { isEndpointWrite, MAX_NEW_ENDPOINTS, newEndpoints } from "./rules/endpoint-address.ts";
import type { ClusterFacts } from "./rules/fact.ts";
import type { AdmissionInput } from "./rules/request.ts";

interface Placed {
  metadata: { namespace?: string };
}

/** Reads from the API server. Only requests that ask for an address cause them. */
export interface AddressReads {
  readServices(): Promise<readonly Placed[]>;
  /** The Pods with this address as their first. */
  readPodsAt(address: string): Promise<readonly Placed[]>;
}

/** Reads the addresses that the Services and Pods of others hold. A cache of all of them would cost memory. */
export function createAddressReader(reads: AddressReads) {
  // All requests need the same list, so those that arrive together share one read.
  const readServices = createSingleFlight(() => reads.readServices());

  return async function readTakenAddresses(
    input: AdmissionInput,
    { identity, isForeignNamespace }: Pick<ClusterFacts, "identity" | "isForeignNamespace">,
  ): Promise<ReadonlySet<string>> {
    const isForeign = ({ metadata: { namespace = "" } }: Placed) => isForeignNamespace(namespace);
    if (isEndpointWrite(input))
      // The endpoints of listed controllers are not judged.
      return identity.kind === "controller" ? new Set() : await readTakenEndpoints(input, isForeign);
    if (newAddresses(input).length === 0) return new Set();
    return new Set((await readServices()).filter(isForeign).flatMap(heldAddresses));
  };

  async function readTakenEndpoints(
    input: AdmissionInput,
    isForeign: (object: Placed) => boolean,
  ): Promise<ReadonlySet<string>> {
    const added = [...new Set(newEndpoints(input).map(({ address }) => address))];
    if (added.length === 0 || added.length > MAX_NEW_ENDPOINTS) return new Set();
    const services = (await readServices()).filter(isForeign);
    const taken = new Set(services.flatMap((it) => [...heldAddresses(it), ...clusterAddresses(it)]));
    for (const address of added)
      if (IP_ADDRESS.test(address) && (await reads.readPodsAt(bare(address))).some(isForeign))
        taken.add(address);
    return taken;
  }
}

/** Names of hosts are compared without a lookup. Other texts could change the meaning of the selector. */
const IP_ADDRESS = /^(?:[0-9.]+|\[[0-9a-f:.]+\])$/;

/** `2001:db8::1` for `[2001:db8::1]`. */
const bare = (address: string): string => address.replace(/^\[|\]$/g, "");
