import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/**
 * Addresses that cannot be a cluster's: metadata services of clouds, link-local addresses, and the address that means "this
 * host". Private addresses and loopback are allowed, because most clusters have a private address, and a playground uses
 * loopback.
 */
const refused = new BlockList();
refused.addSubnet("0.0.0.0", 8, "ipv4");
refused.addSubnet("169.254.0.0", 16, "ipv4");
refused.addAddress("100.100.100.200", "ipv4");
refused.addAddress("::", "ipv6");
refused.addAddress("fd00:ec2::254", "ipv6");
refused.addSubnet("fe80::", 10, "ipv6");
/** 169.254.0.0/16 in NAT64 form. A BlockList itself checks IPv4 addresses that are mapped to IPv6. */
refused.addSubnet("64:ff9b::a9fe:0", 112, "ipv6");

export function isRefusedAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && refused.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** Resolves a name for each connection, because its addresses may change. Fails when one of them is refused. */
export function createClusterLookup(lookup: typeof systemLookup = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) return callback(error, []);
      const wrong = found.find(({ address }) => isRefusedAddress(address));
      if (wrong !== undefined)
        return callback(
          new Error(`${hostname} resolves to ${wrong.address}, which is no cluster's address`),
          [],
        );
      const [first] = found;
      if (options.all === true || first === undefined) return callback(null, found);
      return callback(null, first.address, first.family);
    });
  };
}
