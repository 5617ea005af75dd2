import { listOf, mapOf } from "../../api/object.ts";
import { normalAddress, type WantedAddress } from "./balancer-address.ts";
import { type AdmissionInput, storesObject } from "./request.ts";

/** The kinds whose addresses a Service, and so an ingress controller or the API server's proxy, sends traffic to. */
export const isEndpointWrite = (input: AdmissionInput): boolean =>
  storesObject(input) && addressesOf(input, input.object) !== undefined;

/**
 * The addresses of an object's endpoints. Kubernetes makes the endpoints of a Service from the addresses in the status of
 * its Pods. Undefined: an object of this kind has no endpoints.
 */
function addressesOf(
  { group, resource, subresource }: AdmissionInput,
  object: unknown,
): WantedAddress[] | undefined {
  switch ([group, resource, subresource].join("/")) {
    case "/endpoints/":
      return listOf(mapOf(object).subsets).flatMap((subset, index) =>
        ["addresses", "notReadyAddresses"].flatMap((list) =>
          listOf(mapOf(subset)[list]).flatMap((entry, at) =>
            found(`subsets[${index}].${list}[${at}].ip`, mapOf(entry).ip),
          ),
        ),
      );
    case "discovery.k8s.io/endpointslices/":
      return listOf(mapOf(object).endpoints).flatMap((endpoint, index) =>
        listOf(mapOf(endpoint).addresses).flatMap((address, at) =>
          found(`endpoints[${index}].addresses[${at}]`, address),
        ),
      );
    case "/pods/status":
      return listOf(mapOf(mapOf(object).status).podIPs).flatMap((entry, index) =>
        found(`status.podIPs[${index}].ip`, mapOf(entry).ip),
      );
    default:
      return undefined;
  }
}

const found = (path: string, text: unknown): WantedAddress[] =>
  typeof text === "string" ? [{ path, address: normalAddress(text) }] : [];

/** The addresses that a request adds to endpoints. */
export function newEndpoints(input: AdmissionInput): WantedAddress[] {
  if (!storesObject(input)) return [];
  const known = new Set((addressesOf(input, input.oldObject) ?? []).map(({ address }) => address));
  return (addressesOf(input, input.object) ?? []).filter(({ address }) => !known.has(address));
}

/** More new addresses in one write are refused, because each is looked up. */
export const MAX_NEW_ENDPOINTS = 100;
