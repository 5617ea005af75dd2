import { createSingleFlight } from "../platform/single-flight.ts";
import { heldAddresses, newAddresses } from "./rules/balancer-address.ts";
import type { AdmissionInput } from "./rules/request.ts";

export interface AddressReads {
  /** Reads from the API server. Only requests that ask for an address of a load balancer cause it. */
  readServices(): Promise<readonly { metadata: { namespace?: string } }[]>;
}

/** Reads the load balancer addresses that the Services of others hold. A cache of all Services would cost memory. */
export function createAddressReader(reads: AddressReads) {
  // All requests need the same list, so those that arrive together share one read.
  const readServices = createSingleFlight(() => reads.readServices());

  return async function readTakenAddresses(
    input: AdmissionInput,
    isForeignNamespace: (name: string) => boolean,
  ): Promise<ReadonlySet<string>> {
    if (newAddresses(input).length === 0) return new Set();
    const services = await readServices();
    return new Set(
      services
        .filter(({ metadata: { namespace = "" } }) => isForeignNamespace(namespace))
        .flatMap(heldAddresses),
    );
  };
}
