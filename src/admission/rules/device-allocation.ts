import { mapOf } from "../../api/object.ts";
import { changedPaths } from "./change.ts";
import type { Rule } from "./fact.ts";
import type { AdmissionInput } from "./request.ts";

const isClaimStatus = ({ group, resource, subresource }: AdmissionInput): boolean =>
  group === "resource.k8s.io" && resource === "resourceclaims" && subresource === "status";

/**
 * The kubelet gives a Pod the devices in the status of its claim, even if they are those of another Pod. Drivers report the
 * state of devices in another part of the status.
 */
export const deviceAllocationRule: Rule = (input, { identity }) => {
  if (!isClaimStatus(input) || identity.kind === "controller") return [];
  const allocationOf = (object: AdmissionInput["object"]) => mapOf(object?.status).allocation;
  const allocation = allocationOf(input.object);
  return allocation === undefined || changedPaths(allocationOf(input.oldObject), allocation).length === 0
    ? []
    : [
        {
          rule: "pod-isolation",
          path: "status.allocation",
          message:
            "only the scheduler allocates devices; leave this unchanged, or ask the platform team to list the namespace of your scheduler",
        },
      ];
};
