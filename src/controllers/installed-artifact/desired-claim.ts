import { clusterAddresses, heldAddresses, normalAddress } from "../../admission/rules/balancer-address.ts";
import { isClusterServicePart } from "../../admission/rules/cluster-service.ts";
import { isEndpointWrite, newEndpoints } from "../../admission/rules/endpoint-address.ts";
import type { Violation } from "../../admission/rules/fact.ts";
import type { DestinationFacts } from "../../admission/rules/guarded-service.ts";
import { type HostFacts, hostRule } from "../../admission/rules/host.ts";
import { ingressAnnotationRule } from "../../admission/rules/ingress-annotation.ts";
import { serviceAddressRule, takenEndpoints } from "../../admission/rules/service-address.ts";
import { type KubernetesObject, listOf, mapOf } from "../../api/object.ts";
import { type RequestedResource, tenantCreation } from "./desired-check.ts";

export interface ClaimFacts extends HostFacts, DestinationFacts {
  /** Addresses of Pods and Services in guarded namespaces of others, normalised. */
  takenAddresses: Pick<ReadonlySet<string>, "has">;
}

/** The parts of a listed object that the rules read. A controller wrote the status, and a list keeps thousands of objects. */
export function claimOf({ apiVersion, kind, metadata, ...rest }: KubernetesObject): KubernetesObject {
  const { managedFields: _, ...kept } = metadata as typeof metadata & { managedFields?: unknown };
  const { spec, endpoints } = mapOf(rest);
  const addresses = listOf(endpoints).map((endpoint) => ({ addresses: mapOf(endpoint).addresses }));
  return {
    apiVersion,
    kind,
    metadata: kept,
    ...(endpoints === undefined ? { spec } : { endpoints: addresses }),
  };
}

/** The violations of an object that claims hosts or addresses, as if a tenant created it now. */
export function forbiddenClaim(
  object: KubernetesObject,
  resource: RequestedResource,
  facts: ClaimFacts,
): Violation[] {
  const input = tenantCreation(object, resource);
  // The API server makes these.
  if (isClusterServicePart(input)) return [];
  // The limit of one write does not apply, because nothing is looked up for each address.
  if (isEndpointWrite(input))
    return takenEndpoints(newEndpoints(input), facts).map((problem) => ({
      rule: "service-address",
      ...problem,
    }));
  return [
    ...hostRule(input, facts),
    ...ingressAnnotationRule(input, facts),
    ...serviceAddressRule(input, { ...facts, identity: { kind: "tenant" } }),
  ];
}

/** The addresses by which others reach a Service, or the Pods of an EndpointSlice, normalised. */
export const addressesOf = (object: KubernetesObject): string[] => [
  ...heldAddresses(object),
  ...clusterAddresses(object),
  ...listOf(mapOf(object).endpoints).flatMap((endpoint) => normalAddresses(mapOf(endpoint).addresses)),
];

const normalAddresses = (list: unknown): string[] =>
  listOf(list).flatMap((address) => (typeof address === "string" ? [normalAddress(address)] : []));

/** The addresses of Pods, normalised. */
export interface PodAddresses {
  /** Those of Pods in the host network. The node and Pods of others have the same address. */
  ofNodes: ReadonlySet<string>;
  all: ReadonlySet<string>;
}

export function podAddresses(pods: readonly KubernetesObject[]): PodAddresses {
  const addresses = (some: readonly KubernetesObject[]) =>
    new Set(
      some.flatMap((pod) =>
        normalAddresses(listOf(mapOf(mapOf(pod).status).podIPs).map((entry) => mapOf(entry).ip)),
      ),
    );
  const onNodes = pods.filter((pod) => mapOf(mapOf(pod).spec).hostNetwork === true);
  return { ofNodes: addresses(onNodes), all: addresses(pods) };
}
