import { listOf, mapOf } from "../../api/object.ts";
import type { Problem } from "./change.ts";
import { normalHost } from "./host-name.ts";
import { type AdmissionInput, isAbout, storesObject } from "./request.ts";

const SERVICE = { group: "", resource: "services" };

/** The annotation of MetalLB and PureLB that lets Services of any namespaces share one address. */
const SHARING_KEY = /\/allow-shared-ip$/;
/** Addresses that a Service asks for: MetalLB, kube-vip and Cilium. */
const WANTED = /\/(?:loadbalancerips|lb-ipam-ips|ips)$/i;

/** How the names of these annotations end. The webhook is called for Services that have one. */
export const ADDRESS_ANNOTATION_SUFFIXES: readonly string[] = [
  ...["/allow-shared-ip", "/loadBalancerIPs", "/loadbalancerIPs", "/lb-ipam-ips", "/ips"],
];

interface WantedAddress {
  path: string;
  /** Normalised. */
  address: string;
}

function annotationsOf(service: unknown): { path: string; name: string; value: string }[] {
  return Object.entries(mapOf(mapOf(mapOf(service).metadata).annotations)).flatMap(([name, value]) =>
    typeof value === "string" ? [{ path: `metadata.annotations[${name}]`, name, value }] : [],
  );
}

/** IPv6 has many texts for one address. */
const normalAddress = (text: string): string =>
  text.includes(":") ? normalHost(`[${text}]`) : normalHost(text);

/** The addresses of a load balancer that a Service asks for. */
function wantedAddresses(service: unknown): WantedAddress[] {
  const { loadBalancerIP } = mapOf(mapOf(service).spec);
  const texts = [
    ...(typeof loadBalancerIP === "string" ? [{ path: "spec.loadBalancerIP", value: loadBalancerIP }] : []),
    ...annotationsOf(service).filter(({ name }) => WANTED.test(name)),
  ];
  return texts.flatMap(({ path, value }) =>
    value
      .split(/[\s,]+/)
      .filter((text) => text !== "")
      .map((text) => ({ path, address: normalAddress(text) })),
  );
}

/** The addresses that a request asks for, without those that the Service asked for before. */
export function newAddresses(input: AdmissionInput): WantedAddress[] {
  if (!isAbout(input, SERVICE) || !storesObject(input)) return [];
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
  return annotationsOf(service)
    .filter(({ name, value }) => SHARING_KEY.test(name) && !value.startsWith(`${namespace}/`))
    .map(({ path, value }) => ({
      path,
      message: `the key ${value} may be that of another namespace's Service; set it to ${namespace}/<name>`,
    }));
}
