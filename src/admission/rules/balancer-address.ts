import { listOf, mapOf } from "../../api/object.ts";
import { newMessages, type Problem } from "./change.ts";
import { serviceAnnotations } from "./host-annotation.ts";
import { ipv4Of, normalHost } from "./host-name.ts";
import { type AdmissionInput, isAbout, isWithin, storesObject } from "./request.ts";

/** The kinds that ask for an address of a load balancer. A controller makes a Service for a Gateway. */
const GATEWAY = { group: "gateway.networking.k8s.io", resource: "gateways" };
const ASKING_KINDS = [{ group: "", resource: "services" }, GATEWAY];

/** The annotation of MetalLB and PureLB that lets Services of any namespaces share one address. */
const SHARING_KEY = /\/allow-shared-ip$/;
/** Addresses that a Service asks for: MetalLB, kube-vip, Cilium, PureLB, LoxiLB and Azure. */
const WANTED = /\/(?:loadbalancerips|lb-ipam-ips|ips|addresses|staticip|azure-load-balancer-ipv[46])$/i;

/** How the names of these annotations end. The webhook is called for Services that have one. */
export const ADDRESS_ANNOTATION_SUFFIXES: readonly string[] = [
  ...["/allow-shared-ip", "/loadBalancerIPs", "/loadbalancerIPs", "/lb-ipam-ips", "/ips"],
  ...["/addresses", "/staticIP", "/azure-load-balancer-ipv4", "/azure-load-balancer-ipv6"],
];

export interface WantedAddress {
  path: string;
  /** Normalised. */
  address: string;
}

/**
 * Returns the same text for every spelling of an address. IPv6 has many spellings, and some IPv6 addresses stand for IPv4
 * ones. Kubernetes ignores zeros before a number of an IPv4 address. A URL would take such a number for an octal one.
 */
export function normalAddress(text: string): string {
  if (!text.includes(":")) return normalHost(IPV4.test(text) ? text.replaceAll(/\b0+(?=[0-9])/g, "") : text);
  const address = normalHost(`[${text}]`);
  const [, high, low] = MAPPED.exec(address) ?? [];
  return high === undefined || low === undefined ? address : ipv4Of(parseInt(high, 16), parseInt(low, 16));
}

const IPV4 = /^[0-9]{1,16}(?:\.[0-9]{1,16}){3}$/;
/** `::ffff:10.0.0.1`, as a URL writes it. */
const MAPPED = /^\[::ffff:(?<high>[0-9a-f]{1,4}):(?<low>[0-9a-f]{1,4})\]$/;

/** The addresses of a load balancer that a Service or a Gateway asks for. */
function wantedAddresses(service: unknown): WantedAddress[] {
  const { loadBalancerIP, addresses } = mapOf(mapOf(service).spec);
  const inList = listOf(addresses).flatMap((entry, index) => {
    const { value } = mapOf(entry);
    return typeof value === "string" ? [{ path: `spec.addresses[${index}].value`, value }] : [];
  });
  const texts = [
    ...inList,
    ...(typeof loadBalancerIP === "string" ? [{ path: "spec.loadBalancerIP", value: loadBalancerIP }] : []),
    ...serviceAnnotations(service).filter(({ name }) => WANTED.test(name)),
  ];
  return texts.flatMap(({ path, value }) =>
    value
      .split(/[\s,]+/)
      .filter((text) => text !== "")
      .map((text) => ({ path, address: normalAddress(text) })),
  );
}

/**
 * The addresses that a request asks for, without those that the object asked for before. A write of a Service's status may
 * change its annotations.
 */
export function newAddresses(input: AdmissionInput): WantedAddress[] {
  if (!ASKING_KINDS.some((kind) => isWithin(input, kind)) || !storesObject(input)) return [];
  const known = new Set(wantedAddresses(input.oldObject).map(({ address }) => address));
  return wantedAddresses(input.object).filter(({ address }) => !known.has(address));
}

/** The addresses of a load balancer that a Service has, or asks for. */
export function heldAddresses(service: unknown): string[] {
  const assigned = listOf(mapOf(mapOf(mapOf(service).status).loadBalancer).ingress).flatMap((entry) => {
    const { ip } = mapOf(entry);
    return typeof ip === "string" ? [normalAddress(ip)] : [];
  });
  return [...wantedAddresses(service).map(({ address }) => address), ...assigned];
}

/**
 * Sharing keys of a Service that do not begin with its namespace. The key of another tenant would give it ports of that
 * tenant's address.
 */
export function sharingProblems(service: unknown, namespace: string): Problem[] {
  return serviceAnnotations(service)
    .filter(({ name, value }) => SHARING_KEY.test(name) && !value.startsWith(`${namespace}/`))
    .map(({ path, value }) => ({
      path,
      message: `the key ${value} may be that of another namespace's Service; set it to ${namespace}/<name>`,
    }));
}

/** The sharing keys that a Gateway gives to its Service. */
export function newSharingProblems(input: AdmissionInput): Problem[] {
  if (!isAbout(input, GATEWAY) || !storesObject(input)) return [];
  const { oldObject, object, namespace } = input;
  return newMessages(sharingProblems(oldObject, namespace), sharingProblems(object, namespace));
}

/** The addresses of a Service inside the cluster. */
export const clusterAddresses = (service: unknown): string[] =>
  listOf(mapOf(mapOf(service).spec).clusterIPs).flatMap((address) =>
    typeof address === "string" ? [normalAddress(address)] : [],
  );
