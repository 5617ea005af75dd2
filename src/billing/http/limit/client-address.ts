import { BlockList, isIP } from "node:net";

/** More proxies than stand in a row anywhere: who claims to come through more is taken for the last of these. */
const MAX_HOPS = 32;
/** The longest that an address may be written: IPv6 in brackets, with a zone and a port. */
const MAX_HOP_LENGTH = 100;

/**
 * Finds whom a request comes from: the connection's peer, or what trusted proxies say in `X-Forwarded-For`, read from
 * the right and only as far as trust reaches. IPv6 clients count by their /64, which is what one subscriber is given.
 */
export function createClientAddress(trustedProxies: readonly string[]) {
  const trusted = new BlockList();
  for (const entry of trustedProxies) {
    const [address = "", prefix] = entry.split("/");
    const family = isIP(address);
    if (family === 0) throw new Error(`TRUSTED_PROXIES: '${entry}' is no address or CIDR`);
    const type = family === 6 ? "ipv6" : "ipv4";
    const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix);
    if (!/^\d{1,3}$/.test(prefix ?? "0") || bits > (family === 6 ? 128 : 32)) {
      throw new Error(`TRUSTED_PROXIES: '${entry}' is no address or CIDR`);
    }
    trusted.addSubnet(address, bits, type);
  }
  const isTrusted = (address: string) =>
    isIP(address) !== 0 && trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

  return (peer: string | undefined, forwardedFor: string | string[] | undefined): string => {
    let client = plainAddress(peer ?? "");
    // Asked before the header is so much as looked at: a stranger's costs nothing, however long.
    if (isTrusted(client)) {
      for (const hop of hopsFromRight([forwardedFor ?? []].flat().join(","))) {
        // Whatever is no address was not written by a proxy that we trust to know better.
        if (isIP(hop) === 0) break;
        client = hop;
        if (!isTrusted(client)) break;
      }
    }
    return isIP(client) === 6 ? subscriberPrefix(client) : client;
  };
}

function* hopsFromRight(list: string): Generator<string> {
  let end = list.length;
  for (let hops = 0; end >= 0 && hops < MAX_HOPS; hops += 1) {
    const comma = end === 0 ? -1 : list.lastIndexOf(",", end - 1);
    yield plainAddress(list.slice(comma + 1, end));
    end = comma;
  }
}

/** Without blanks, brackets, port, zone, and the IPv6 clothing of an IPv4 address. */
function plainAddress(text: string): string {
  if (text.length > MAX_HOP_LENGTH) return "";
  const trimmed = text.trim();
  const bare =
    /^\[([^\]]+)\](?::\d+)?$/.exec(trimmed)?.[1] ??
    /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(trimmed)?.[1] ??
    trimmed;
  const address = bare.replace(/%.*$/, "");
  if (isIP(address) !== 6) return address;
  // The URL parser writes an IPv6 address in its one canonical form, with at most one `::`.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(canonical);
  if (mapped === null) return canonical;
  const [high = 0, low = 0] = mapped.slice(1).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

function subscriberPrefix(canonical: string): string {
  const [head = "", tail] = canonical.split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  const full =
    tail === undefined ? groups : [...groups, ...Array(8 - groups.length - rest.length).fill("0"), ...rest];
  return `${full.slice(0, 4).join(":")}::/64`;
}
