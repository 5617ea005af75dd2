import { listOf, mapOf } from "../../api/object.ts";
import type { Problem } from "./change.ts";
import { MONITORS } from "./destination-field.ts";
import type { DestinationFacts } from "./guarded-service.ts";
import { metricTargetProblems } from "./metric-target.ts";
import type { AdmissionInput } from "./request.ts";

const REMEDY = "use an Ingress or an HTTPRoute, or ask the platform team";

/** Kinds of Emissary, APISIX and Envoy Gateway that take part in every request to the gateway, from any namespace. */
const GLOBAL_KINDS: Readonly<Record<string, readonly string[]>> = {
  "getambassador.io": ["authservices", "ratelimitservices", "logservices", "tracingservices", "modules"],
  "apisix.apache.org": ["apisixglobalrules"],
  "gateway.envoyproxy.io": ["envoypatchpolicies"],
};

/**
 * Traefik applies an object of these kinds with the name `default` to every router. With two of them in any namespaces, it
 * drops both.
 */
const TRAEFIK_DEFAULTS = ["tlsoptions", "tlsstores"];

/** Problems with objects that configure a proxy for all tenants who share it. */
export function sharedProxyProblems(
  input: AdmissionInput,
  object: unknown,
  facts: DestinationFacts,
): Problem[] {
  const { group, resource } = input;
  const { spec } = mapOf(object);
  const { resources } = mapOf(spec);
  // The resources of a CiliumEnvoyConfig may name any address, and the proxy is in the network of the node.
  if (group === "cilium.io" && resource === "ciliumenvoyconfigs" && listOf(resources).length > 0)
    return [
      {
        path: "spec.resources",
        message: `these configure the proxy that all tenants of a node share; ${REMEDY}`,
        value: resources,
      },
    ];
  if (group === MONITORS) return metricTargetProblems(mapOf(spec), input.namespace, facts);
  if (group === "gateway.envoyproxy.io") {
    const code = CODE_MEMBERS.filter((member) => listOf(mapOf(spec)[member]).length > 0);
    if (code.length > 0)
      return code.map((member) => ({
        path: `spec.${member}`,
        message: `this code would run in the gateway that all tenants share; ${REMEDY}`,
        value: mapOf(spec)[member],
      }));
  }
  return object !== undefined && isForAll(input)
    ? [
        {
          path: "spec",
          message: `this ${resource} object would configure the gateway for every host of all tenants; ${REMEDY}`,
          value: spec,
        },
      ]
    : [];
}

/** Code of an EnvoyExtensionPolicy. */
const CODE_MEMBERS = ["wasm", "lua"];

function isForAll({ group, resource, name }: AdmissionInput): boolean {
  if (group.startsWith("traefik.")) return TRAEFIK_DEFAULTS.includes(resource) && name === "default";
  return Object.hasOwn(GLOBAL_KINDS, group) && GLOBAL_KINDS[group]?.includes(resource) === true;
}
