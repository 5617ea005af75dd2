import { GROUP } from "../../api/kind.ts";
import type { Violation } from "./fact.ts";
import { containsName, type HostClaim, hostClaims, requestedCertificate } from "./host-claim.ts";
import { coversHost, namespaceOfName } from "./host-name.ts";
import type { Place } from "./place.ts";
import type { AdmissionInput } from "./request.ts";

export interface HostFacts {
  place: Place;
  /** The host names that Sovereigns serve, normalised, each with the name of its Sovereign. */
  sovereignHosts: ReadonlyMap<string, string>;
  /** Whether a namespace is guarded and not the requester's. */
  isForeignNamespace(name: string): boolean;
}

/** The Sovereign whose hosts the request may claim. */
function ownSovereign({ group, name }: AdmissionInput, { place }: HostFacts): string | undefined {
  if (group === GROUP) return name;
  return place.kind === "sovereign" ? place.sovereign : undefined;
}

/** Only a Sovereign serves its own hosts. Others may not claim them, also not by a wildcard or a pattern. */
export function hostRule(input: AdmissionInput, facts: HostFacts): Violation[] {
  if (input.operation === "DELETE" || input.operation === "CONNECT") return [];
  const known = new Set(hostClaims(input, input.oldObject).map(({ pattern }) => pattern));
  const claims = hostClaims(input, input.object).filter(({ pattern }) => !known.has(pattern));
  const bytes = requestedCertificate(input);
  if (claims.length === 0 && bytes === undefined) return [];
  const own = ownSovereign(input, facts);
  const taken = [...facts.sovereignHosts].filter(([, name]) => name !== own).map(([host]) => host);
  return [
    ...claims.flatMap((it) => judge(it, taken, facts)),
    ...(bytes !== undefined && taken.some((host) => namesCovering(host).some((it) => containsName(bytes, it)))
      ? [refusal("spec.request", "the certificate request names a host that is served by a Sovereign")]
      : []),
  ];
}

const refusal = (path: string, problem: string, remedy = "choose another host name"): Violation => ({
  rule: "sovereign-host",
  path,
  message: `${problem}; ${remedy}`,
});

function judge({ path, text, pattern }: HostClaim, taken: readonly string[], facts: HostFacts): Violation[] {
  if (pattern === "*")
    return [
      refusal(path, `${text} also matches the hosts of Sovereigns`, "name your hosts one by one, in full"),
    ];
  if (taken.some((host) => coversHost(pattern, host)))
    return [refusal(path, `host ${text} is served by a Sovereign`)];
  const namespace = namespaceOfName(pattern);
  return namespace !== undefined && (namespace === "*" || facts.isForeignNamespace(namespace))
    ? [refusal(path, `host ${text} is that of a Service in a namespace that is not yours`)]
    : [];
}

/** The names of certificates that are valid for a host: its own, and a wildcard for each of its parents. */
function namesCovering(host: string): string[] {
  const labels = host.split(".");
  return [host, ...labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join(".")}`)];
}
