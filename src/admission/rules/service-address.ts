import { listOf, mapOf, textOf } from "../../api/object.ts";
import { newAddresses, newSharingProblems, sharingProblems, type WantedAddress } from "./balancer-address.ts";
import { capturedAddressProblems } from "./captured-address.ts";
import { affectedPaths, newMessages, type Problem } from "./change.ts";
import { isClusterServicePart } from "./cluster-service.ts";
import { isEndpointWrite, MAX_NEW_ENDPOINTS, newEndpoints } from "./endpoint-address.ts";
import type { Violation } from "./fact.ts";
import { addressProblem, type GuardFacts, guardedServiceProblem } from "./guarded-service.ts";
import { normalHost } from "./host-name.ts";
import type { Identity } from "./identity.ts";
import { choosesAddresses } from "./permission.ts";
import { isOwnNamespace, type Place } from "./place.ts";
import type { AdmissionInput } from "./request.ts";

export interface ServiceFacts extends GuardFacts {
  identity: Identity;
  place: Place;
  /** As in `ClusterFacts`. */
  takenAddresses: Pick<ReadonlySet<string>, "has">;
}

/**
 * A Service may not take addresses that others use, and may not lead an ingress controller to the Services of a guarded
 * namespace. Nodes send traffic for the external and load balancer addresses of a Service to that Service, even when
 * another host has the address.
 */
export function serviceAddressRule(input: AdmissionInput, facts: ServiceFacts): Violation[] {
  if (isClusterServicePart(input))
    return affectedPaths(input).map((path) => ({
      rule: "service-address",
      path,
      message:
        "every Pod reaches the API server by Service kubernetes of namespace default; leave it as it is, and work in a namespace of your own",
    }));
  return problemsOf(input, facts).map((problem) => ({ rule: "service-address", ...problem }));
}

function problemsOf(input: AdmissionInput, facts: ServiceFacts): Problem[] {
  if (input.operation === "DELETE" || input.subresource === "proxy") return [];
  if (isEndpointWrite(input)) return endpointProblems(input, facts);
  const { identity, place } = facts;
  if (input.group !== "")
    return [
      ...(choosesAddresses(identity, place) ? [] : capturedAddressProblems(input, facts)),
      ...(isOwnNamespace(place, identity) ? [] : newSharingProblems(input)),
      ...takenProblems(input, facts),
    ];
  if (input.resource !== "services") return [];
  const { oldObject, object, namespace } = input;
  return [
    ...newMessages(problems(oldObject, namespace, facts), problems(object, namespace, facts)),
    ...takenProblems(input, facts),
  ];
}

/**
 * Endpoints may not lead a Service to a Pod or a Service of a guarded namespace. An ingress controller and the API server's
 * proxy would connect to it for the author (CVE-2021-25740).
 */
function endpointProblems(input: AdmissionInput, facts: ServiceFacts): Problem[] {
  if (choosesAddresses(facts.identity, facts.place)) return [];
  const added = newEndpoints(input);
  const [first] = added;
  if (first !== undefined && added.length > MAX_NEW_ENDPOINTS)
    return [
      {
        path: first.path,
        message: `one write may add ${MAX_NEW_ENDPOINTS} addresses, because each is looked up; add the others in further writes`,
      },
    ];
  return takenEndpoints(added, facts);
}

/** The endpoints that are addresses or names of others. */
export const takenEndpoints = (
  endpoints: readonly WantedAddress[],
  facts: Pick<ServiceFacts, "takenAddresses" | "isForeignNamespace">,
): Problem[] =>
  endpoints.flatMap(({ path, address }) => {
    const message = facts.takenAddresses.has(address)
      ? `address ${address} is that of a Pod or a Service in a namespace that is not yours; remove it`
      : guardedServiceProblem(address, facts);
    return message === undefined ? [] : [{ path, message }];
  });

/** A load balancer may share one address between Services, or give the address of a deleted Service to another one. */
const takenProblems = (input: AdmissionInput, { takenAddresses }: ServiceFacts): Problem[] =>
  newAddresses(input)
    .filter(({ address }) => takenAddresses.has(address))
    .map(({ path, address }) => ({
      path,
      message: `address ${address} is that of a Service in a namespace that is not yours; remove it, so that the load balancer chooses a free one`,
    }));

function problems(object: unknown, namespace: string, facts: ServiceFacts): Problem[] {
  const { spec, status } = mapOf(object);
  const external = listOf(mapOf(spec).externalIPs).map((address, index) => ({
    path: `spec.externalIPs[${index}]`,
    message: `external address ${textOf(address)} could be another's; use type LoadBalancer`,
  }));
  // A controller copies the key from the object that it makes a Service for.
  const shared = isOwnNamespace(facts.place, facts.identity) ? [] : sharingProblems(object, namespace);
  return [...external, ...balancerProblems(status, facts), ...shared, ...nameProblems(mapOf(spec), facts)];
}

/** The controllers of load balancers write these addresses. */
function balancerProblems(status: unknown, { identity, place }: ServiceFacts): Problem[] {
  if (choosesAddresses(identity, place)) return [];
  return listOf(mapOf(mapOf(status).loadBalancer).ingress).flatMap((entry, index) =>
    ["ip", "hostname"].flatMap((member) => {
      const address = mapOf(entry)[member];
      return typeof address !== "string"
        ? []
        : [
            {
              path: `status.loadBalancer.ingress[${index}].${member}`,
              message: `only a load balancer's controller assigns ${address}; leave the status unchanged, or ask the platform team to list the controller's namespace`,
            },
          ];
    }),
  );
}

function nameProblems(spec: Record<string, unknown>, facts: ServiceFacts): Problem[] {
  if (spec.type !== "ExternalName" || typeof spec.externalName !== "string") return [];
  const name = normalHost(spec.externalName);
  const message = addressProblem(name) ?? guardedServiceProblem(name, facts);
  return message === undefined ? [] : [{ path: "spec.externalName", message }];
}
