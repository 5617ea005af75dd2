import { createSingleFlight } from "../platform/single-flight.ts";
import { heldAddresses, newAddresses } from "./rules/balancer-address.ts";
import type { AdmissionInput } from "./rules/request.ts";

export interface AddressReads {
  /** Asks the API server, for requests that ask for an address of a load balancer and for no others. */
  readServices(): Promise<readonly { metadata: { namespace?: string } }[]>;
}

/** Reads which addresses of load balancers the Services of others have. A cache of all Services would cost memory. */
export function createAddressReader(reads: AddressReads) {
  // The list is the same for all, and a flood of requests must not become a flood of lists.
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
