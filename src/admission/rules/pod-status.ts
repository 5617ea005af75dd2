import { affectedPaths } from "./change.ts";
import type { Rule } from "./fact.ts";

/**
 * The kubelet reports what runs, and soak counts on it. Members work with everything else of a Pod. Listed controllers
 * may write status everywhere.
 */
export const podStatusRule: Rule = (input, { identity, place }) => {
  const isPodStatus = input.group === "" && input.resource === "pods" && input.subresource === "status";
  if (!isPodStatus || !("organization" in place) || identity.kind === "controller") return [];
  return affectedPaths(input).map((path) => ({
    rule: "pod-status",
    path,
    message: "only the kubelet reports what a Pod does: change the Pod itself, or delete it",
  }));
};
