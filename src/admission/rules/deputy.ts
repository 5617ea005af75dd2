import type { Rule } from "./fact.ts";
import { isOwnNamespace } from "./place.ts";
import { objectPath } from "./request.ts";

/**
 * API groups with namespaced objects by which their author uses the rights of a controller. It reads, generates or changes
 * objects of any namespace: Kyverno's `Policy` (CVE-2026-22039, CVE-2026-41068) and `PolicyException` (CVE-2024-48921), and
 * Capsule's `TenantResource` (CVE-2026-22872). Kubewarden fetches the code of an `AdmissionPolicy` into a server that all
 * share. Multus runs the plugin of a `NetworkAttachmentDefinition` as root in the node's network.
 */
export const DEPUTY_GROUPS: readonly string[] = [
  "kyverno.io",
  "policies.kyverno.io",
  "capsule.clastix.io",
  "policies.kubewarden.io",
  "k8s.cni.cncf.io",
];

/**
 * Only the platform writes these kinds. A listed controller writes their status, and every object of its own namespace. For
 * its writes at cluster scope, the table of permissions decides.
 */
export const deputyRule: Rule = (input, { identity, place }) => {
  if (!DEPUTY_GROUPS.includes(input.group)) return [];
  const isControllersWork =
    identity.kind === "controller" &&
    (place.kind === "cluster" || isOwnNamespace(place, identity) || input.subresource === "status");
  return isControllersWork
    ? []
    : [
        {
          rule: "install-source",
          path: objectPath(input),
          message: `${input.resource} act with the rights of their controller, also outside their namespace; ask the platform team to write them`,
        },
      ];
};
