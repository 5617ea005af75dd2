import { listOf, mapOf, textOf } from "../../api/object.ts";
import { newMessages, type Problem } from "./change.ts";
import type { GuardFacts } from "./guarded-service.ts";
import { type AdmissionInput, storesObject } from "./request.ts";

const CILIUM = "cilium.io";

/** Problems with objects of Cilium, Istio and AWS that would bring traffic of others into the namespace. */
export function capturedAddressProblems(input: AdmissionInput, facts: GuardFacts): Problem[] {
  const { group, resource, object, oldObject } = input;
  if (!storesObject(input)) return [];
  // Every write counts, because the address or the identity in the status may be new.
  if (group === CILIUM && resource === "ciliumendpoints") return [ENDPOINT];
  const problems = (it: unknown): Problem[] => {
    const spec = mapOf(mapOf(it).spec);
    if (group === CILIUM && resource === "ciliumlocalredirectpolicies") return redirectProblems(spec, facts);
    if (group === "elbv2.k8s.aws" && resource === "targetgroupbindings") return targetProblems(spec);
    return group === "networking.istio.io" && resource === "serviceentries" ? meshProblems(spec) : [];
  };
  return newMessages(problems(oldObject), problems(object));
}

/** Cilium's agents read from these objects which identity an address has in NetworkPolicies. */
const ENDPOINT: Problem = {
  path: "status",
  message:
    "only Cilium's agents say which address belongs to which Pod; leave the object unchanged, or ask the platform team to list the namespace of the agents",
};

/** Cilium redirects the traffic of every Pod on the node that is sent to the address. */
function redirectProblems({ redirectFrontend }: Record<string, unknown>, facts: GuardFacts): Problem[] {
  const { addressMatcher, serviceMatcher } = mapOf(redirectFrontend);
  const { namespace } = mapOf(serviceMatcher);
  const captured = {
    path: "spec.redirectFrontend.addressMatcher",
    message: `Pods of others use address ${textOf(mapOf(addressMatcher).ip)} too; name a Service of your own in serviceMatcher`,
  };
  const foreign = {
    path: "spec.redirectFrontend.serviceMatcher.namespace",
    message: `namespace ${textOf(namespace)} is not yours; name a namespace where you work`,
  };
  return [
    ...(addressMatcher === undefined ? [] : [captured]),
    ...(typeof namespace === "string" && facts.isForeignNamespace(namespace) ? [foreign] : []),
  ];
}

/** Proxies send traffic for these addresses to the entry, in every namespace to which the entry is exported. */
function meshProblems({ addresses, exportTo }: Record<string, unknown>): Problem[] {
  const scopes = listOf(exportTo);
  if (scopes.length > 0 && scopes.every((scope) => scope === ".")) return [];
  return listOf(addresses).map((address, index) => ({
    path: `spec.addresses[${index}]`,
    message: `the mesh would send traffic for ${textOf(address)} from every namespace to this entry; set spec.exportTo to ["."]`,
  }));
}

/** The load balancer of AWS sends the traffic of a target group to every Pod that is bound to it. */
const targetProblems = ({ targetGroupARN, targetGroupName }: Record<string, unknown>): Problem[] =>
  Object.entries({ targetGroupARN, targetGroupName })
    .filter(([, group]) => typeof group === "string" && group !== "")
    .map(([member, group]) => ({
      path: `spec.${member}`,
      message: `target group ${textOf(group)} may receive the traffic of others; use an Ingress or a Service of type LoadBalancer, or ask the platform team`,
    }));
