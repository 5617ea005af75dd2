import type { Rule } from "./fact.ts";
import { isOwnNamespace } from "./place.ts";
import { objectPath } from "./request.ts";

/**
 * API groups of controllers that read, generate or change objects anywhere with rights of their own, as a namespaced object
 * tells them. Their writer would have the controller's rights: Kyverno's `Policy` (CVE-2026-22039, CVE-2026-41068) and
 * `PolicyException` (CVE-2024-48921), and Capsule's `TenantResource` (CVE-2026-22872).
 */
export const DEPUTY_GROUPS: readonly string[] = ["kyverno.io", "policies.kyverno.io", "capsule.clastix.io"];

/**
 * Only the platform writes these kinds. A listed controller writes their status, and what its own namespace holds. What it
 * may write at cluster scope, the table of permissions says.
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
          message: `${input.resource} act with the rights of their controller, also outside their namespace: ask the platform team to write them`,
        },
      ];
};
