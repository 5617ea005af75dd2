import { urlHost } from "../../../src/platform/url-host.ts";
import { PLAYGROUND_REGISTRY } from "../../../src/playground/image.ts";

/** The families of the node's addresses, the preferred one first. The node gives Services addresses of the first one. */
export const FAMILIES = (process.env.IP_FAMILIES ?? "IPv6 IPv4").split(" ");

/** An address or a range, once in each family of the node. */
interface Place {
  all: readonly string[];
  /** In the preferred family. */
  first: string;
  /** In the other family, if the node has both. */
  last: string;
}

function placeOf(ipv6: string, ipv4: string): Place {
  const all = FAMILIES.map((family) => (family === "IPv6" ? ipv6 : ipv4));
  return { all, first: all[0] ?? ipv6, last: all.at(-1) ?? ipv6 };
}

/** The machine beside the node, where the registry, the databases and the tests run. */
export const OUTSIDE = placeOf("fd00:30::1", "172.30.0.1");
export const NODE = placeOf("fd00:30::2", "172.30.0.2");
/** Further addresses of the machine beside the node, for the Ingress controller and the issuer. */
export const INGRESS = placeOf("fd00:30::3", "172.30.0.3");
export const LOGIN = placeOf("fd00:30::4", "172.30.0.4");
export const POD_RANGE = placeOf("fd00:244::/64", "10.244.0.0/24");
export const SERVICE_RANGE = placeOf("fd00:96::/112", "10.96.0.0/16");
export const KUBERNETES_SERVICE = placeOf("fd00:96::1", "10.96.0.1");
export const DNS_SERVICE = placeOf("fd00:96::a", "10.96.0.10");
export const API_SERVER = `https://${urlHost(NODE.first)}:6443`;
/** An address of the network between the node and the machine beside it, with the length of the network's prefix. */
export const withPrefix = (address: string): string => `${address}/${address.includes(":") ? 64 : 24}`;
export const REGISTRY_HOST = PLAYGROUND_REGISTRY;
export const LOGIN_HOST = "login.catalyst.example";
export const DATABASE_HOST = "postgres.catalyst.example";
export const VOUCHER_HOST = "vouchers.catalyst.example";
/**
 * The host names of docs/quickstart.md, as a hosts file for the tests, the node and its Pods. With two families, the registry has
 * an address of the second one only, so that Pods use both.
 */
export const HOSTS = `${OUTSIDE.last} ${REGISTRY_HOST}
${OUTSIDE.first} ${DATABASE_HOST}
${LOGIN.first} ${LOGIN_HOST}
${INGRESS.first} ${VOUCHER_HOST}
`;
/** Images of the node itself. node.sh imports them, so that the node starts without a registry. */
export const PAUSE_IMAGE = "localhost/pause:1";
export const DNS_IMAGE = "localhost/coredns:1";
