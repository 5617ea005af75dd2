import { GROUP, serviceAccountGroups, serviceAccountUsername, type UserInfo } from "../access/user.ts";
import type { ResourceType } from "../resource-type.ts";
import type { WriteRequest } from "../write/request.ts";

/** A write of a control-plane controller, under the service account of that controller. */
export function controlPlaneRequest(
  controller: "generic-garbage-collector" | "namespace-controller" | "crd-controller",
  type: ResourceType,
  namespace: string,
  name: string,
): WriteRequest {
  const user: UserInfo = {
    username: serviceAccountUsername("kube-system", controller),
    groups: [...serviceAccountGroups("kube-system"), GROUP.authenticated],
  };
  return {
    user,
    type,
    subresource: "",
    namespace,
    name,
    dryRun: false,
    fieldManager: controller,
    fieldValidation: "Ignore",
    warn: () => {},
  };
}
