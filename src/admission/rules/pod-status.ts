import { listOf, mapOf } from "../../api/object.ts";
import { affectedPaths } from "./change.ts";
import type { Rule, Violation } from "./fact.ts";
import type { AdmissionInput, ReviewedObject } from "./request.ts";

/**
 * In an Organization's namespaces, only the kubelet and listed controllers write the status of a Pod, because soak relies
 * on it. Members may write the other parts of a Pod.
 */
export const podStatusRule: Rule = (input, { identity, place }) => {
  if (input.group !== "" || input.resource !== "pods") return [];
  if (!("organization" in place) || identity.kind === "controller") return [];
  if (input.subresource !== "status") return replacedInitImages(input);
  return affectedPaths(input).map((path) => ({
    rule: "pod-status",
    path,
    message: "only the kubelet reports what a Pod does; change the Pod itself, or delete it",
  }));
};

/**
 * An init container that has ended does not run again when its image changes, and the Pod stays ready. So its new image
 * would count as running. A sidecar, which the kubelet restarts, does run its new image.
 */
function replacedInitImages({ operation, object, oldObject }: AdmissionInput): Violation[] {
  if (operation !== "UPDATE") return [];
  const before = initContainersOf(oldObject);
  return initContainersOf(object).flatMap(({ image, restartPolicy }, index) =>
    image === before[index]?.image || restartPolicy === "Always"
      ? []
      : [
          {
            rule: "pod-status" as const,
            path: `spec.initContainers[${index}].image`,
            message:
              "an init container does not run again in an existing Pod, so its image must stay; delete the Pod, and create another with the new image",
          },
        ],
  );
}

const initContainersOf = (pod: ReviewedObject | undefined) =>
  listOf(mapOf(pod?.spec).initContainers).map(mapOf);
