import { createSemaphore } from "../platform/semaphore.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { clusterAddresses, heldAddresses, newAddresses, normalAddress } from "./rules/balancer-address.ts";
import { CLUSTER_SERVICE } from "./rules/cluster-service.ts";
import { isEndpointWrite, MAX_NEW_ENDPOINTS, newEndpoints } from "./rules/endpoint-address.ts";
import type { ClusterFacts } from "./rules/fact.ts";
import { choosesAddresses } from "./rules/permission.ts";
import type { AdmissionInput } from "./rules/request.ts";

interface Placed {
  metadata: { namespace?: string; name?: string };
}

/** A Pod's address after its first one, and the Pod's namespace. */
export interface SecondAddress {
  address: string;
  namespace: string;
}

/** Reads from the API server. Only requests that ask for an address cause them. */
export interface AddressReads {
  readServices(): Promise<readonly Placed[]>;
  /** The Pods with this address as their first, by which alone the API server selects Pods. */
  readPodsAt(address: string): Promise<readonly Placed[]>;
  /** The second addresses of all Pods, which they have in a cluster with IPv4 and IPv6. */
  readSecondAddresses(): Promise<readonly SecondAddress[]>;
}

/**
 * Reads of Pods at once, for all reviews together. With a slow API server, 100 addresses one after another took longer than
 * a review may. Without a limit, a few writes of 100 addresses would be hundreds of requests at once.
 */
const MAX_READS = 20;
/** Reads that wait, of all reviews together. Above this, a review fails with 503 and the client tries again. */
const MAX_WAITING_READS = 20 * MAX_NEW_ENDPOINTS;
/** Reads of one review at once, of which some wait. So a few reviews of 100 addresses do not take all places. */
const MAX_READS_OF_REVIEW = MAX_READS;

/** Reads the addresses that the Services and Pods of others hold. A cache of all of them would cost memory. */
export function createAddressReader(reads: AddressReads) {
  const podReads = createSemaphore({ permits: MAX_READS, maxWaiting: MAX_WAITING_READS });
  // All requests need the same lists, so those that arrive together share one read.
  const readServices = createSingleFlight(() => reads.readServices());
  const readSecondAddresses = createSingleFlight(() => reads.readSecondAddresses());

  return async function readTakenAddresses(
    input: AdmissionInput,
    { identity, place, isForeignNamespace }: Pick<ClusterFacts, "identity" | "place" | "isForeignNamespace">,
    signal?: () => AbortSignal,
  ): Promise<ReadonlySet<string>> {
    if (isEndpointWrite(input))
      return choosesAddresses(identity, place)
        ? new Set()
        : await readTakenEndpoints(input, isForeignNamespace, signal);
    if (newAddresses(input).length === 0) return new Set();
    return new Set(foreign(await readServices(), isForeignNamespace).flatMap(heldAddresses));
  };

  async function readTakenEndpoints(
    input: AdmissionInput,
    isForeign: IsForeign,
    signal: (() => AbortSignal) | undefined,
  ): Promise<ReadonlySet<string>> {
    const added = [...new Set(newEndpoints(input).map(({ address }) => address))];
    if (added.length === 0 || added.length > MAX_NEW_ENDPOINTS) return new Set();
    const services = await readServices();
    const taken = new Set(
      foreign(services, isForeign).flatMap((it) => [...heldAddresses(it), ...clusterAddresses(it)]),
    );
    const wanted = added.filter((address) => IP_ADDRESS.test(address));
    const ofReview = createSemaphore({ permits: MAX_READS_OF_REVIEW, maxWaiting: MAX_NEW_ENDPOINTS });
    const options = signal === undefined ? {} : { signal: signal() };
    await Promise.all(
      wanted.map(async (address) => {
        const readPods = () => podReads.run(() => reads.readPodsAt(bare(address)), options);
        const pods = await ofReview.run(readPods, options);
        if (foreign(pods, isForeign).length > 0) taken.add(address);
      }),
    );
    if (wanted.some(isOfSecondFamily(services)))
      for (const { address, namespace } of await readSecondAddresses())
        if (isForeign(namespace)) taken.add(normalAddress(address));
    return taken;
  }
}

type IsForeign = (namespace: string) => boolean;

const foreign = (objects: readonly Placed[], isForeign: IsForeign): readonly Placed[] =>
  objects.filter(({ metadata: { namespace = "" } }) => isForeign(namespace));

/**
 * Whether an address is of the family that Pods have second, if at all. The first family of a cluster is that of Service
 * `kubernetes`.
 */
function isOfSecondFamily(services: readonly Placed[]): (address: string) => boolean {
  const [first = ""] = services
    .filter(
      ({ metadata: { namespace, name } }) =>
        namespace === CLUSTER_SERVICE.namespace && name === CLUSTER_SERVICE.name,
    )
    .flatMap(clusterAddresses);
  return (address) => isIpv6(address) !== isIpv6(first);
}

const isIpv6 = (address: string): boolean => address.startsWith("[");

/** Names of hosts are compared without a lookup. Other texts could change the meaning of the selector. */
const IP_ADDRESS = /^(?:[0-9.]+|\[[0-9a-f:.]+\])$/;

/** `2001:db8::1` for `[2001:db8::1]`. */
const bare = (address: string): string => address.replace(/^\[|\]$/g, "");
