import { GROUP } from "../../../api/kind.ts";
import { SYSTEM_NAMESPACE, WEBHOOK_CONFIGURATION } from "../../../api/name.ts";
import { ROLLOUT_ANNOTATION, ROLLOUT_ANNOTATION_PREFIX } from "../../../api/rollout-annotation.ts";
import type { IdentityLists } from "../../rules/identity.ts";
import { denyUnless, type Guard, IS_EVENT, isController, requests, WRITES } from "../guard.ts";
import { celIsSame, celList } from "../match-condition.ts";
import { HUB_OBJECTS } from "./hub-object.ts";

/** The written object. A deletion has no new object, so it is the old one. */
const OBJECT = "(object == null ? oldObject : object)";

/**
 * Whether two maps have the same members, apart from the ignored ones. It also covers members that later versions of the
 * API add.
 */
const celIsSameApartFrom = (a: string, b: string, ...ignored: string[]): string =>
  celIsSame(a, b, `key in ${celList(ignored)}`);

/** Without `dyn`, the API server's type checker warns that an object is no map. */
const [AFTER, BEFORE] = ["dyn(object)", "dyn(oldObject)"];

/** The members of metadata that the API server itself writes. */
const SERVER_FIELDS = ["managedFields", "resourceVersion", "generation"];

const ONLY_CA_BUNDLE = [
  `request.operation == "UPDATE"`,
  celIsSameApartFrom(AFTER, BEFORE, "metadata", "webhooks"),
  celIsSameApartFrom(`${AFTER}.metadata`, `${BEFORE}.metadata`, ...SERVER_FIELDS),
  "has(object.webhooks) && has(oldObject.webhooks) && object.webhooks.size() == oldObject.webhooks.size()",
  `${AFTER}.webhooks.all(hook, ${BEFORE}.webhooks.exists(old, old.name == hook.name
  && ${celIsSameApartFrom("hook", "old", "clientConfig")}
  && ${celIsSameApartFrom("hook.clientConfig", "old.clientConfig", "caBundle")}))`,
].join("\n  && ");

const webhookConfigurations = (lists: IdentityLists): Guard => ({
  name: "catalyst-webhook-configuration",
  purpose: [
    "Lets only the platform write webhook configurations. The API server calls no webhook about them, so nothing else in",
    "admission can protect them. A listed controller, such as cert-manager, may renew the caBundle of other webhooks than the",
    "operator's.",
  ],
  requests: [
    requests(
      ["admissionregistration.k8s.io"],
      ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
      WRITES,
    ),
  ],
  variables: [
    {
      // Compares the object's name, because resourceNames does not match a request that deletes a collection.
      name: "isTheOperators",
      expression: `request.resource.resource == "validatingwebhookconfigurations" && ${OBJECT}.metadata.name == "${WEBHOOK_CONFIGURATION}"`,
    },
    isController(lists),
    { name: "changesOnlyCaBundle", expression: ONLY_CA_BUNDLE },
  ],
  validations: [
    denyUnless(
      "webhook-configuration",
      "metadata.name",
      `only the platform may write the webhook configuration ${WEBHOOK_CONFIGURATION}; ask the platform team to make the change`,
      "!variables.isTheOperators",
    ),
    denyUnless(
      "webhook-configuration",
      "webhooks",
      "only the platform may write webhook configurations, because a webhook sees and changes requests of the whole cluster (a listed controller may change clientConfig.caBundle); ask the platform team to make the change",
      "variables.isController && variables.changesOnlyCaBundle",
    ),
  ],
});

const API_SERVICES: Guard = {
  name: "catalyst-api-service",
  purpose: [
    "Lets only the platform write APIServices, of any group. The API server reads webhook configurations and policies through",
    "its own API. An APIService for admissionregistration.k8s.io that names another server would end all admission.",
  ],
  requests: [requests(["apiregistration.k8s.io"], ["apiservices", "apiservices/*"], WRITES)],
  validations: [
    denyUnless(
      "cluster-scope",
      "metadata.name",
      "only the platform may write APIServices, because each replaces a part of the cluster's API; ask the platform team to make the change",
    ),
  ],
};

const systemNamespace = (lists: IdentityLists): Guard => ({
  name: "catalyst-system-namespace",
  purpose: [
    `Lets only the platform work in ${SYSTEM_NAMESPACE}, connections (exec, attach, port-forward, proxy) included, and change its`,
    "Namespace. Listed controllers may write Events there.",
  ],
  requests: [
    requests(["*"], ["*/*"], ["*"], "Namespaced"),
    requests([""], ["namespaces", "namespaces/*"], WRITES, "Cluster"),
  ],
  namespace: SYSTEM_NAMESPACE,
  variables: [isController(lists), IS_EVENT],
  validations: [
    denyUnless(
      "namespace-guarded",
      "metadata.name",
      `Namespace ${SYSTEM_NAMESPACE} is not yours: only the platform changes or deletes it; work in a namespace of your own`,
      `request.resource.resource != "namespaces"`,
    ),
    denyUnless(
      "platform-namespace",
      "metadata.namespace",
      `namespace ${SYSTEM_NAMESPACE} belongs to the platform; work in a namespace of your own, or ask the platform team`,
      "variables.isController && variables.isEvent",
    ),
  ],
});

const CLUSTER_ROLES: Guard = {
  name: "catalyst-cluster-role",
  purpose: [
    "Lets only the platform write the product's ClusterRoles and ClusterRoleBindings (catalyst-*), and bind such a ClusterRole in",
    "the whole cluster.",
  ],
  requests: [requests(["rbac.authorization.k8s.io"], ["clusterroles", "clusterrolebindings"], WRITES)],
  conditions: [
    {
      name: "is-the-products",
      expression: `${OBJECT}.metadata.name.startsWith("catalyst-") || (request.resource.resource == "clusterrolebindings" && ${OBJECT}.roleRef.name.startsWith("catalyst-"))`,
    },
  ],
  validations: [
    denyUnless(
      "cluster-scope",
      "metadata.name",
      "only the platform may write ClusterRoles and ClusterRoleBindings named catalyst-*, or bind such a ClusterRole in the whole cluster; use a Role and a RoleBinding in your own namespace",
    ),
  ],
};

const DEFINITIONS: Guard = {
  name: "catalyst-custom-resource-definition",
  purpose: [
    `Lets only the platform write the CustomResourceDefinitions of ${GROUP}, and their status. Without its definition, a`,
    "kind loses all its objects.",
  ],
  requests: [
    requests(["apiextensions.k8s.io"], ["customresourcedefinitions", "customresourcedefinitions/*"], WRITES),
  ],
  conditions: [{ name: "is-the-products", expression: `${OBJECT}.metadata.name.endsWith(".${GROUP}")` }],
  validations: [
    denyUnless(
      "cluster-scope",
      "metadata.name",
      `only the platform may write the CustomResourceDefinitions of ${GROUP}; ask the platform team to make the change`,
    ),
  ],
};

/** The annotations of `AFTER` or `BEFORE`. Without `dyn`, the type of an empty map differs from that of annotations. */
const annotationsOf = (object: string) =>
  `(has(${object}.metadata.annotations) ? ${object}.metadata.annotations : {})`;

const ROLLOUT_ANNOTATIONS: Guard = {
  name: "catalyst-rollout-annotation",
  purpose: [
    "Lets a person who pauses, resumes, approves, skips or aborts a rollout write no other name than their own, so that the",
    "record of who did it holds. It judges the platform too: others may write no BillingRelease at all.",
  ],
  // A write of the status cannot change annotations.
  requests: [requests([GROUP], ["billingreleases"], ["CREATE", "UPDATE"], "Cluster")],
  judgesPlatform: true,
  variables: [
    { name: "after", expression: annotationsOf(AFTER) },
    { name: "before", expression: `oldObject == null ? {} : ${annotationsOf(BEFORE)}` },
    {
      name: "written",
      expression: `variables.after.filter(name,
  (name in ${celList(Object.values(ROLLOUT_ANNOTATION))}
    || ${celList(Object.values(ROLLOUT_ANNOTATION_PREFIX))}.exists(prefix, name.startsWith(prefix)))
  && !(name in variables.before && variables.before[name] == variables.after[name]))`,
    },
  ],
  validations: [
    denyUnless(
      "rollout-annotation",
      "metadata.annotations",
      "a rollout annotation must name the user who writes it; run `catalyst rollout`, which writes <your user name>@<digest of the image>",
      // Compares the whole value, because a user name may end like a digest, or contain another name before an @.
      `variables.written.all(name, variables.after[name].startsWith(request.userInfo.username + "@sha256:")
  && variables.after[name].substring(request.userInfo.username.size() + 1).matches("^sha256:[a-f0-9]{64}(#[0-9]{1,16})?$"))`,
    ),
  ],
};

/**
 * Guards of the objects that the webhook depends on, and of requests that are not sent to it. They also hold while the
 * webhook is down or its configuration is deleted.
 */
export const nativeGuards = (lists: IdentityLists): Guard[] => [
  webhookConfigurations(lists),
  API_SERVICES,
  systemNamespace(lists),
  CLUSTER_ROLES,
  DEFINITIONS,
  ROLLOUT_ANNOTATIONS,
  HUB_OBJECTS,
];
