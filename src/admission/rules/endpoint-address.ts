import { listOf, mapOf } from "../../api/object.ts";
import { normalAddress, type WantedAddress } from "./balancer-address.ts";
import { MONITORS } from "./metric-target.ts";
import { type AdmissionInput, storesObject } from "./request.ts";

/**
 * The kinds with endpoints, to which a Service sends traffic. An ingress controller and the API server's proxy send it there
 * too. Kubernetes makes the endpoints of a Service from the addresses in the status of its Pods. Prometheus reads the targets
 * of a ScrapeConfig.
 */
const ADDRESSES: ReadonlyMap<string, (object: unknown) => WantedAddress[]> = new Map([
  [
    "/endpoints/",
    (object: unknown) =>
      listOf(mapOf(object).subsets).flatMap((subset, index) =>
        ["addresses", "notReadyAddresses"].flatMap((list) =>
          listOf(mapOf(subset)[list]).flatMap((entry, at) =>
            found(`subsets[${index}].${list}[${at}].ip`, mapOf(entry).ip),
          ),
        ),
      ),
  ],
  [
    "discovery.k8s.io/endpointslices/",
    (object: unknown) =>
      listOf(mapOf(object).endpoints).flatMap((endpoint, index) =>
        listOf(mapOf(endpoint).addresses).flatMap((address, at) =>
          found(`endpoints[${index}].addresses[${at}]`, address),
        ),
      ),
  ],
  [
    "/pods/status",
    (object: unknown) =>
      listOf(mapOf(mapOf(object).status).podIPs).flatMap((entry, index) =>
        found(`status.podIPs[${index}].ip`, mapOf(entry).ip),
      ),
  ],
  [
    `${MONITORS}/scrapeconfigs/`,
    (object: unknown) =>
      listOf(mapOf(mapOf(object).spec).staticConfigs).flatMap((config, index) =>
        listOf(mapOf(config).targets).flatMap((target, at) =>
          found(`spec.staticConfigs[${index}].targets[${at}]`, addressOfTarget(target)),
        ),
      ),
  ],
]);

const TARGET = /^\s*(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<ipv4>[0-9.]+))(?::[0-9]+)?\s*$/i;

/** The address in `10.0.0.1:9100`. Undefined for a name, which another rule judges. */
function addressOfTarget(target: unknown): string | undefined {
  const { ipv4, ipv6 } = (typeof target === "string" ? TARGET.exec(target)?.groups : undefined) ?? {};
  return ipv4 ?? ipv6;
}

const found = (path: string, text: unknown): WantedAddress[] =>
  typeof text === "string" ? [{ path, address: normalAddress(text) }] : [];

/** Undefined: the request stores no object, or one of a kind without endpoints. */
const addressReader = (input: AdmissionInput) =>
  storesObject(input) ? ADDRESSES.get([input.group, input.resource, input.subresource].join("/")) : undefined;

/** Whether a request may change the endpoints of a Service. */
export const isEndpointWrite = (input: AdmissionInput): boolean => addressReader(input) !== undefined;

/** The addresses that a request adds to endpoints. */
export function newEndpoints(input: AdmissionInput): WantedAddress[] {
  const addressesOf = addressReader(input);
  if (addressesOf === undefined) return [];
  const known = new Set(addressesOf(input.oldObject).map(({ address }) => address));
  return addressesOf(input.object).filter(({ address }) => !known.has(address));
}

/** More new addresses in one write are refused, because each is looked up. */
export const MAX_NEW_ENDPOINTS = 100;
