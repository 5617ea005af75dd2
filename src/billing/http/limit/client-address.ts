import { BlockList, isIP } from "node:net";

/** More proxies than any real chain has. Of a longer chain, the last of these counts as the client. */
const MAX_HOPS = 32;
/** Longer than any written address: IPv6 in brackets, with a zone and a port. */
const MAX_HOP_LENGTH = 100;

/**
 * Finds the client of a request: the connection's peer, or the address that trusted proxies give in `X-Forwarded-For`, read
 * from the right up to the first untrusted address. IPv6 clients count by their /64, which one subscriber gets.
 */
export function createClientAddress(trustedProxies: readonly string[]) {
  const trusted = new BlockList();
  for (const entry of trustedProxies) {
    const [address = "", prefix] = entry.split("/");
    const family = isIP(address);
    if (family === 0) throw new Error(`TRUSTED_PROXIES: '${entry}' is not an address or a CIDR`);
    const type = family === 6 ? "ipv6" : "ipv4";
    const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix);
    if (!/^\d{1,3}$/.test(prefix ?? "0") || bits > (family === 6 ? 128 : 32)) {
      throw new Error(`TRUSTED_PROXIES: '${entry}' is not an address or a CIDR`);
    }
    trusted.addSubnet(address, bits, type);
  }
  const isTrusted = (address: string) =>
    isIP(address) !== 0 && trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

  return (peer: string | undefined, forwardedFor: string | string[] | undefined): string => {
    let client = plainAddress(peer ?? "");
    // The peer is checked before the header is read, so that a long header of an untrusted peer costs nothing.
    if (isTrusted(client)) {
      for (const hop of hopsFromRight([forwardedFor ?? []].flat().join(","))) {
        // A trusted proxy writes only addresses: the rest of the list comes from the client.
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

/** The address without blanks, brackets, port, zone and the IPv6 form of an IPv4 address. */
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
