import { BlockList, isIP } from "node:net";
import { ipv4Of } from "../rules/host-name.ts";

/** IPv4 ranges that are not public: https://www.iana.org/assignments/iana-ipv4-special-registry */
const NOT_PUBLIC_IPV4: [network: string, prefix: number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];
/** Only 2000::/3 of IPv6 is public, without the ranges that embed an IPv4 address (Teredo, 6to4) or are for documentation. */
const PUBLIC_IPV6: [network: string, prefix: number] = ["2000::", 3];
const NOT_PUBLIC_IPV6: [network: string, prefix: number][] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const notPublic = new BlockList();
for (const [network, prefix] of NOT_PUBLIC_IPV4) notPublic.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of NOT_PUBLIC_IPV6) notPublic.addSubnet(network, prefix, "ipv6");
const publicIpv6 = new BlockList();
publicIpv6.addSubnet(...PUBLIC_IPV6, "ipv6");

/**
 * Addresses that only the machine or its link can reach: loopback, metadata services, and the address that means "this
 * host".
 */
const local = new BlockList();
local.addSubnet("0.0.0.0", 8, "ipv4");
local.addSubnet("127.0.0.0", 8, "ipv4");
local.addSubnet("169.254.0.0", 16, "ipv4");
local.addAddress("100.100.100.200", "ipv4");
local.addAddress("::", "ipv6");
local.addAddress("::1", "ipv6");
local.addAddress("fd00:ec2::254", "ipv6");
local.addAddress("fd20:ce::254", "ipv6");
local.addSubnet("fe80::", 10, "ipv6");
/** Forms of an IPv4 address that only the machine itself uses: mapped and compatible. */
const embedding = new BlockList();
embedding.addSubnet("::", 96, "ipv6");
embedding.addSubnet("::ffff:0:0", 96, "ipv6");
const NAT64_PREFIX = "64:ff9b::";
const nat64 = new BlockList();
nat64.addSubnet(NAT64_PREFIX, 96, "ipv6");

/** Whether an IP address belongs to the public Internet. */
export function isPublicAddress(text: string): boolean {
  const address = translated(text);
  const family = isIP(address);
  if (family === 4) return !notPublic.check(address, "ipv4");
  return family === 6 && publicIpv6.check(address, "ipv6") && !notPublic.check(address, "ipv6");
}

/** Whether a connection to the address may leave the machine and its link. */
export function isRemoteAddress(text: string): boolean {
  const address = translated(text);
  const family = isIP(address);
  if (family === 4) return !local.check(address, "ipv4");
  return family === 6 && !local.check(address, "ipv6") && !embedding.check(address, "ipv6");
}

/**
 * The IPv4 address to which NAT64 connects; other addresses stay. In a cluster that has only IPv6, DNS64 gives this form to
 * every host that has only IPv4, as many registries do.
 */
function translated(address: string): string {
  if (isIP(address) !== 6 || !nat64.check(address, "ipv6")) return address;
  // The URL parser writes an IPv6 address in its one canonical form. It accepts no zone.
  const canonical = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1);
  const groups = canonical.slice(NAT64_PREFIX.length).split(":");
  const [low = 0, high = 0] = groups.reverse().map((group) => Number.parseInt(group || "0", 16));
  return ipv4Of(high, low);
}

/** The IP address that a URL has in place of a host name. `URL` has already normalised decimal and hexadecimal forms. */
export function addressOf({ hostname }: URL): string | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, "$1");
  return isIP(bare) === 0 ? undefined : bare;
}
