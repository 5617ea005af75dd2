import type { Sovereign } from "../../api/sovereign.ts";
import { normalHost } from "./host-name.ts";

/** The hosts that the platform gave a Sovereign, normalised. */
export const platformHosts = ({ spec }: Sovereign): string[] =>
  [spec.fqdn, ...(spec.billing.ingress === undefined ? [] : [spec.billing.ingress.host])].map(normalHost);

/** The host that the Franchisee chose, normalised; none or one. */
export const brandingHosts = ({ spec }: Sovereign): string[] =>
  spec.branding?.hostname === undefined ? [] : [normalHost(spec.branding.hostname)];

/** The hosts of a Sovereign while it lives. Nothing changes the objects of a cache. */
const found = new WeakMap<Sovereign, readonly string[]>();

/** All hosts that a Sovereign serves, normalised. A review that claims hosts asks about the whole fleet, so each is parsed once. */
export function hostsOf(sovereign: Sovereign): readonly string[] {
  const hosts = found.get(sovereign) ?? [...platformHosts(sovereign), ...brandingHosts(sovereign)];
  found.set(sovereign, hosts);
  return hosts;
}
