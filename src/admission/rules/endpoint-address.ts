import { listOf, mapOf } from "../../api/object.ts";
import { normalAddress, type WantedAddress } from "./balancer-address.ts";
import { callsTargets } from "./destination-field.ts";
import { targetHosts } from "./destination-problem.ts";
import { type AdmissionInput, storesObject } from "./request.ts";

/**
 * The kinds with endpoints, to which a Service sends traffic. An ingress controller and the API server's proxy send it there
 * too. Kubernetes makes the endpoints of a Service from the addresses in the status of its Pods.
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
  ["/pods/status", podAddresses],
]);

/** Clients read either field. Kubernetes keeps the first of the list equal to the other field. */
function podAddresses(object: unknown): WantedAddress[] {
  const { podIP, podIPs } = mapOf(mapOf(object).status);
  const listed = listOf(podIPs).flatMap((entry, index) =>
    found(`status.podIPs[${index}].ip`, mapOf(entry).ip),
  );
  const known = new Set(listed.map(({ address }) => address));
  return [...found("status.podIP", podIP).filter(({ address }) => !known.has(address)), ...listed];
}

/** The addresses that the controller of a custom kind calls for its author. Other rules judge the names of hosts. */
const calledAddresses =
  (input: AdmissionInput) =>
  (object: unknown): WantedAddress[] =>
    targetHosts(input, object).flatMap(({ path, host }) =>
      ADDRESS.test(host) ? [{ path, address: normalAddress(host.replace(/^\[|\]$/g, "")) }] : [],
    );

const ADDRESS = /^(?:[0-9.]+|\[[0-9a-f:.]+\])$/;

const found = (path: string, text: unknown): WantedAddress[] =>
  typeof text === "string" ? [{ path, address: normalAddress(text) }] : [];

/** Undefined: the request stores no object, or one of a kind without endpoints. */
function addressReader(input: AdmissionInput) {
  if (!storesObject(input)) return undefined;
  if (callsTargets(input)) return calledAddresses(input);
  return ADDRESSES.get([input.group, input.resource, input.subresource].join("/"));
}

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
