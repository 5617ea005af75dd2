import { GROUP } from "../../api/kind.ts";
import type { HostClaim } from "./claimed-host.ts";
import type { Violation } from "./fact.ts";
import type { GuardFacts } from "./guarded-service.ts";
import { hostClaims } from "./host-claim.ts";
import { coversHost, namespaceOfName } from "./host-name.ts";
import type { Place } from "./place.ts";
import { type AdmissionInput, storesObject } from "./request.ts";

export interface HostFacts extends GuardFacts {
  place: Place;
  /** The host names that Sovereigns serve, normalised, each with the name of its Sovereign. */
  sovereignHosts: ReadonlyMap<string, string>;
}

/** The Sovereign whose hosts the request may claim. */
function ownSovereign({ group, name }: AdmissionInput, { place }: HostFacts): string | undefined {
  if (group === GROUP) return name;
  return place.kind === "sovereign" ? place.sovereign : undefined;
}

/** Only a Sovereign may claim its own hosts. A wildcard or a pattern that covers one of these hosts counts as a claim. */
export function hostRule(input: AdmissionInput, facts: HostFacts): Violation[] {
  if (!storesObject(input)) return [];
  const claimed = hostClaims(input, input.object);
  if (claimed.length === 0) return [];
  const known = new Set(hostClaims(input, input.oldObject).map(({ pattern }) => pattern));
  const claims = claimed.filter(({ pattern }) => !known.has(pattern));
  if (claims.length === 0) return [];
  const isServed = createHostLookup(facts, ownSovereign(input, facts));
  return claims.flatMap((it) => judge(it, isServed, facts));
}

const refusal = (path: string, problem: string, remedy = "choose another host name"): Violation => ({
  rule: "sovereign-host",
  path,
  message: `${problem}; ${remedy}`,
});

function judge(
  { path, text, pattern, shown }: HostClaim,
  isServed: (pattern: string) => boolean,
  facts: HostFacts,
): Violation[] {
  if (pattern === "*")
    return [
      refusal(path, `${text} also matches the hosts of Sovereigns`, "name your hosts one by one, in full"),
    ];
  if (isServed(pattern)) return [refusal(path, `${shown} is served by a Sovereign`)];
  const namespace = namespaceOfName(pattern);
  return namespace !== undefined && (namespace === "*" || facts.isForeignNamespace(namespace))
    ? [refusal(path, `${shown} is that of a Service in a namespace that is not yours`)]
    : [];
}

/** The largest number of patterns in one object whose star is not at the beginning. */
const MAX_PATTERNS = 20;

/**
 * Whether a pattern covers a host of a Sovereign other than `own`. A fleet has thousands of hosts. So names are looked up,
 * a wildcard is looked up among the parents of all hosts, and only a few other patterns are compared with each host.
 */
function createHostLookup({ sovereignHosts }: HostFacts, own: string | undefined) {
  let parents: ReadonlySet<string> | undefined;
  let patterns = 0;
  const hosts = () => [...sovereignHosts].filter(([, name]) => name !== own).map(([host]) => host);
  return function isServed(pattern: string): boolean {
    const owner = sovereignHosts.get(pattern);
    if (owner !== undefined && owner !== own) return true;
    if (!pattern.includes("*") && !pattern.startsWith(".")) return false;
    if (pattern.startsWith("*.") && !pattern.includes("*", 1)) {
      parents ??= new Set(hosts().flatMap(parentsOf));
      return parents.has(pattern.slice(2));
    }
    patterns += 1;
    return patterns > MAX_PATTERNS || hosts().some((host) => coversHost(pattern, host));
  };
}

/** `b.c` and `c` for `a.b.c`. */
function parentsOf(host: string): string[] {
  const labels = host.split(".");
  return labels.slice(1).map((_, index) => labels.slice(index + 1).join("."));
}
