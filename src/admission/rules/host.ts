import { GROUP } from "../../api/kind.ts";
import { listOf, mapOf } from "../../api/object.ts";
import type { Violation } from "./fact.ts";
import type { AdmissionInput } from "./request.ts";

/** The host names that Sovereigns serve, each with the name of its Sovereign. Names are in lower case. */
export interface HostFacts {
  sovereignHosts: ReadonlyMap<string, string>;
}

interface Claim {
  path: string;
  host: string;
}

/** By this annotation, ingress-nginx serves other hosts than those that the Ingress names. */
const ALIAS_ANNOTATION = "nginx.ingress.kubernetes.io/server-alias";

function aliasesOf(object: unknown): string[] {
  const aliases = mapOf(mapOf(mapOf(object).metadata).annotations)[ALIAS_ANNOTATION];
  return typeof aliases === "string" ? aliases.split(/[\s,]+/) : [];
}

/** The hosts that an Ingress, a Gateway, a route of the Gateway API or a Sovereign's branding asks for. */
function claimsOf(input: AdmissionInput, object: unknown): Claim[] {
  const spec = mapOf(mapOf(object).spec);
  const claims = (values: unknown[], path: (index: number) => string): Claim[] =>
    values.flatMap((host, index) =>
      typeof host === "string" && host !== "" ? [{ path: path(index), host: host.toLowerCase() }] : [],
    );
  if (input.group === GROUP && input.resource === "sovereigns")
    return claims([mapOf(spec.branding).hostname], () => "spec.branding.hostname");
  if (input.resource === "ingresses")
    return [
      ...claims(aliasesOf(object), () => `metadata.annotations[${ALIAS_ANNOTATION}]`),
      ...claims(
        listOf(spec.rules).map((rule) => mapOf(rule).host),
        (index) => `spec.rules[${index}].host`,
      ),
      ...listOf(spec.tls).flatMap((tls, at) =>
        claims(listOf(mapOf(tls).hosts), (index) => `spec.tls[${at}].hosts[${index}]`),
      ),
    ];
  if (input.group !== "gateway.networking.k8s.io") return [];
  return [
    ...claims(listOf(spec.hostnames), (index) => `spec.hostnames[${index}]`),
    ...claims(
      listOf(spec.listeners).map((it) => mapOf(it).hostname),
      (index) => `spec.listeners[${index}].hostname`,
    ),
  ];
}

/** `*.example.com` covers every name below example.com, as in the Ingress and Gateway APIs. */
function covers(claim: string, host: string): boolean {
  return claim === host || (claim.startsWith("*.") && host.endsWith(claim.slice(1)));
}

/** Only a Sovereign serves its own hosts. Others may not claim them, also not by a wildcard. */
export function hostRule(input: AdmissionInput, facts: HostFacts): Violation[] {
  if (input.operation === "DELETE") return [];
  const own = input.group === GROUP ? input.name : undefined;
  const known = new Set(claimsOf(input, input.oldObject).map(({ host }) => host));
  const claims = claimsOf(input, input.object).filter(({ host }) => !known.has(host));
  if (claims.length === 0) return [];
  const taken = [...facts.sovereignHosts].filter(([, name]) => name !== own).map(([host]) => host);
  return claims
    .filter(({ host }) => taken.some((it) => covers(host, it)))
    .map(({ path, host }) => ({
      rule: "sovereign-host",
      path,
      message: `host ${host} is served by a Sovereign; choose another host name`,
    }));
}
