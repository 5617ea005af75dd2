import type { Sovereign } from "../../api/sovereign.ts";
import { normalHost } from "./host-name.ts";

/** The hosts that the platform gave a Sovereign, normalised. */
export const platformHosts = ({ spec }: Sovereign): string[] =>
  [spec.fqdn, ...(spec.billing.ingress === undefined ? [] : [spec.billing.ingress.host])].map(normalHost);

/** The host that the Franchisee chose, normalised; none or one. */
export const brandingHosts = ({ spec }: Sovereign): string[] =>
  spec.branding?.hostname === undefined ? [] : [normalHost(spec.branding.hostname)];

/** The hosts of each Sovereign. A cached object is never changed in place, so an entry stays correct. */
const hostsBySovereign = new WeakMap<Sovereign, readonly string[]>();

/**
 * All hosts that a Sovereign serves, normalised. They are computed once for each Sovereign, because a review that claims
 * hosts compares them with the whole fleet.
 */
export function hostsOf(sovereign: Sovereign): readonly string[] {
  const hosts = hostsBySovereign.get(sovereign) ?? [...platformHosts(sovereign), ...brandingHosts(sovereign)];
  hostsBySovereign.set(sovereign, hosts);
  return hosts;
}

/** The hosts of all Sovereigns, normalised, each with the name of its Sovereign. */
export const namesByHost = (sovereigns: readonly Sovereign[]): ReadonlyMap<string, string> =>
  new Map(
    sovereigns.flatMap((sovereign) =>
      hostsOf(sovereign).map((host) => [host, sovereign.metadata.name] as const),
    ),
  );
