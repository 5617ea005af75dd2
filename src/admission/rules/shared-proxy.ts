import { listOf, mapOf } from "../../api/object.ts";
import type { Problem } from "./change.ts";
import type { AdmissionInput } from "./request.ts";

const REMEDY = "use an Ingress or an HTTPRoute, or ask the platform team";

/** Kinds of Emissary and APISIX that take part in every request to the gateway, in whatever namespace they are. */
const GLOBAL_KINDS: Readonly<Record<string, readonly string[]>> = {
  "getambassador.io": ["authservices", "ratelimitservices", "logservices", "tracingservices", "modules"],
  "apisix.apache.org": ["apisixglobalrules"],
};

/**
 * Traefik applies an object of these kinds with the name `default` to every router. With two of them in any namespaces, it
 * drops both.
 */
const TRAEFIK_DEFAULTS = ["tlsoptions", "tlsstores"];

/** Problems with objects that configure a proxy for all tenants who share it. */
export function sharedProxyProblems(input: AdmissionInput, object: unknown): Problem[] {
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

function isForAll({ group, resource, name }: AdmissionInput): boolean {
  if (group.startsWith("traefik.")) return TRAEFIK_DEFAULTS.includes(resource) && name === "default";
  return Object.hasOwn(GLOBAL_KINDS, group) && GLOBAL_KINDS[group]?.includes(resource) === true;
}
