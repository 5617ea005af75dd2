import type { Rule } from "./fact.ts";
import { isOwnNamespace } from "./place.ts";
import { objectPath } from "./request.ts";

/**
 * API groups with namespaced objects that make a controller read, generate or change objects of any namespace. The author
 * of such an object uses the rights of the controller: Kyverno's `Policy` (CVE-2026-22039, CVE-2026-41068) and
 * `PolicyException` (CVE-2024-48921), and Capsule's `TenantResource` (CVE-2026-22872).
 */
export const DEPUTY_GROUPS: readonly string[] = ["kyverno.io", "policies.kyverno.io", "capsule.clastix.io"];

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
