import { GROUP } from "../../api/kind.ts";
import type { IdentityLists } from "../rules/identity.ts";
import { INSTALLER_GROUPS } from "../rules/install-source.ts";
import { REVIEW_GROUPS } from "../rules/place.ts";
import { RELEASE_SECRET } from "../rules/release-secret.ts";

/** A CEL condition of a webhook or policy. Either applies only to requests for which all its conditions are true. */
export interface MatchCondition {
  name: string;
  expression: string;
}

export const celList = (items: readonly string[]) =>
  `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;

/** Whether two maps have the same members, apart from each `key` for which the expression `isFree` is true. */
export function celIsSame(a: string, b: string, isFree: string): string {
  const includes = (left: string, right: string) =>
    `${left}.all(key, ${isFree} || (key in ${right} && ${left}[key] == ${right}[key]))`;
  return `${includes(a, b)}\n  && ${includes(b, a)}`;
}

/** The platform installs what runs in a controller's own namespace. */
export const notAtHome = ({ controllerNamespaces }: IdentityLists): MatchCondition => ({
  name: "not-at-home",
  expression: `!${celIsAtHome(controllerNamespaces)}`,
});

export const NOT_A_REVIEW: MatchCondition = {
  name: "not-a-review",
  expression: `!(request.resource.group in ${celList(REVIEW_GROUPS)})`,
};

const celIsInstaller = (group: string) =>
  [
    `${group} in ${celList(INSTALLER_GROUPS.filter((entry) => !isSuffix(entry)))}`,
    `${celList(INSTALLER_GROUPS.filter(isSuffix))}.exists(suffix, ${group}.endsWith(suffix))`,
  ].join(" || ");

/** Whether an API group is neither Kubernetes' nor the product's, nor one that installs software. */
export const celIsCustomGroup = (group: string) =>
  `(${group}.contains(".") && !${group}.endsWith("k8s.io") && ${group} != "${GROUP}" && !(${celIsInstaller(group)}))`;

/** Whether a listed controller works in the namespace that holds its ServiceAccount. */
export const celIsAtHome = (controllerNamespaces: readonly string[]) =>
  `(request.?namespace.orValue("") in ${celList(controllerNamespaces)} && request.userInfo.username.startsWith("system:serviceaccount:" + request.namespace + ":"))`;

const isSuffix = (group: string) => group.startsWith(".");

export const IS_INSTALLER: MatchCondition = {
  name: "is-an-installer",
  expression: celIsInstaller("request.resource.group"),
};

/** Whether the sender is a ServiceAccount of one of the namespaces. The colons keep `kube-system-2` from matching `kube-system`. */
export const celIsServiceAccountOf = (namespaces: readonly string[]) =>
  `${celList(namespaces)}.exists(own, request.userInfo.username.startsWith("system:serviceaccount:" + own + ":"))`;

/** The conditions that leave out the identities to which no rule applies: the platform and the control plane. */
export function notPlatform({
  platformGroups,
  platformNamespaces,
  controlPlanePrefixes,
}: IdentityLists): MatchCondition[] {
  return [
    {
      name: "not-platform-group",
      expression: `!request.userInfo.groups.exists(group, group in ${celList(platformGroups)})`,
    },
    {
      name: "not-platform-service-account",
      expression: `!${celIsServiceAccountOf(platformNamespaces)}`,
    },
    {
      name: "not-control-plane",
      expression: `!("system:nodes" in request.userInfo.groups) && !${celList(controlPlanePrefixes)}.exists(prefix, request.userInfo.username.startsWith(prefix))`,
    },
  ];
}

/** Whether Helm would read the Secret of the request as one of its releases. */
export const CEL_IS_RELEASE_SECRET = [
  `(has(object.type) && object.type == ${JSON.stringify(RELEASE_SECRET.type)})`,
  `(has(object.metadata.name) && object.metadata.name.startsWith(${JSON.stringify(RELEASE_SECRET.namePrefix)}))`,
  `(has(object.metadata.labels) && ${JSON.stringify(RELEASE_SECRET.ownerLabel.name)} in object.metadata.labels && object.metadata.labels[${JSON.stringify(RELEASE_SECRET.ownerLabel.name)}] == ${JSON.stringify(RELEASE_SECRET.ownerLabel.value)})`,
].join(" || ");
