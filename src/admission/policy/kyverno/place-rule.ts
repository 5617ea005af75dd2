import { GROUP } from "../../../api/kind.ts";
import { LABEL } from "../../../api/label.ts";
import { CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE, SYSTEM_NAMESPACE } from "../../../api/name.ts";
import type { IdentityLists } from "../../rules/identity.ts";
import { DEVICE_ADMIN_LABEL } from "../../rules/namespace.ts";
import { IDENTITY_SECRET_TYPES, REPORT_GROUPS, WRITERS_OF_ANYTHING } from "../../rules/permission.ts";
import { CLUSTER_NAMESPACES, guardedNames } from "../../rules/place.ts";
import { RBAC } from "../../rules/rbac-grant.ts";
import { denyUnless, EVERYTHING, IS_EVENT, isController, requests, WRITES } from "../guard.ts";
import {
  celIsAtHome,
  celIsCustomGroup,
  celIsServiceAccountOf,
  celList,
  NOT_A_REVIEW,
} from "../match-condition.ts";
import { labelled, named } from "../namespace-selector.ts";
import { type KyvernoRule, SUBRESOURCE } from "./policy.ts";

const isResource = (group: string, ...resources: string[]) =>
  `request.resource.group == "${group}" && request.resource.resource in ${celList(resources)} && ${SUBRESOURCE} == ""`;

const ownersOf = (object: string) => `${object}.?metadata.?ownerReferences.orValue([])`;
const isOwner = (owner: string) =>
  `(request.resource.resource == "services" || ${owner}.?controller.orValue(false)) && ${celIsCustomGroup(`${owner}.apiVersion.split("/")[0]`)}`;
/** An update must keep the owner. */
const IS_OWNED = [
  `(request.operation == "CREATE" && ${ownersOf("object")}.exists(owner, ${isOwner("owner")}))`,
  `(request.operation == "DELETE" && ${ownersOf("oldObject")}.exists(owner, ${isOwner("owner")}))`,
  `(request.operation == "UPDATE" && ${ownersOf("object")}.exists(owner, ${isOwner("owner")} && ${ownersOf("oldObject")}.exists(old, old.uid == owner.uid && ${isOwner("old")})))`,
].join(" || ");

const IS_REPORT = {
  name: "isReport",
  expression: `request.resource.group in ${celList(REPORT_GROUPS)}`,
};

/** The permissions of listed controllers in guarded namespaces, as in `permission.ts`. */
const controllerVariables = (lists: IdentityLists) => [
  isController(lists),
  IS_EVENT,
  { name: "isStatus", expression: `${SUBRESOURCE} == "status" && request.resource.group != "${GROUP}"` },
  { name: "isLease", expression: isResource("coordination.k8s.io", "leases") },
  { name: "isSlice", expression: isResource("discovery.k8s.io", "endpointslices") },
  { name: "isStored", expression: isResource("", "secrets", "configmaps") },
  {
    name: "givesIdentity",
    expression: `object != null && object.?type.orValue("") in ${celList(IDENTITY_SECRET_TYPES)}`,
  },
  {
    name: "isManaged",
    expression: `[object, oldObject].exists(it, it != null && "${LABEL.managedBy}" in it.?metadata.?labels.orValue({}))`,
  },
  { name: "isAtHome", expression: celIsAtHome(lists.controllerNamespaces) },
  IS_REPORT,
  {
    name: "isCustomKind",
    expression: `request.operation != "CONNECT" && ${celIsCustomGroup("request.resource.group")}`,
  },
  {
    name: "isOwnedByCustomKind",
    expression: `${SUBRESOURCE} == "" && ${celIsServiceAccountOf(lists.controllerNamespaces.filter((name) => !WRITERS_OF_ANYTHING.includes(name)))} && (${IS_OWNED})`,
  },
  {
    name: "grantsToOthers",
    expression: `request.resource.group == "${RBAC}" && request.resource.resource == "rolebindings" && object != null && object.?subjects.orValue([]).exists(subject, subject.kind != "ServiceAccount" || subject.?namespace.orValue("") != request.namespace)`,
  },
  {
    name: "bearsName",
    expression: `${celList(lists.controllerNamespaces)}.exists(own, request.userInfo.username.startsWith("system:serviceaccount:" + own + ":") && request.?name.orValue("").startsWith(own))`,
  },
];

const HOUSEKEEPING =
  "variables.isController && (variables.isEvent || variables.isStatus || variables.isLease || (!variables.isManaged && (variables.isSlice || (variables.isStored && !variables.givesIdentity))))";

/** Objects of custom kinds, and what these own: the Pods of a database, the solver of a challenge. */
const RECONCILED =
  "variables.isController && !variables.isManaged && !variables.givesIdentity && !variables.grantsToOthers && (variables.isCustomKind || variables.isOwnedByCustomKind)";

const inNamespace = requests(["*"], ["*/*"], EVERYTHING, "Namespaced");

const namespaceRules = (lists: IdentityLists): KyvernoRule[] => {
  const platform = [...lists.platformNamespaces, ...CLUSTER_NAMESPACES];
  const variables = controllerVariables(lists);
  return [
    {
      name: "catalyst-platform-namespace",
      purpose: [
        "Lets only the platform work in its namespaces. Listed controllers do their housekeeping there.",
      ],
      requests: [inNamespace],
      namespaces: [named("In", platform)],
      conditions: [NOT_A_REVIEW],
      variables,
      validations: [
        denyUnless(
          "platform-namespace",
          "metadata.namespace",
          "this namespace belongs to the platform; work in a namespace of your own, or ask the platform team",
          `variables.isController && (variables.isEvent || (request.namespace != "${SYSTEM_NAMESPACE}" && (variables.isStatus || variables.isReport || variables.isSlice || ((variables.isLease || variables.isStored) && variables.bearsName && !variables.givesIdentity))))`,
        ),
      ],
    },
    {
      name: "catalyst-controller-namespace",
      purpose: ["Lets only the platform and listed controllers work in the namespaces of controllers."],
      requests: [inNamespace],
      namespaces: [named("In", lists.controllerNamespaces)],
      conditions: [NOT_A_REVIEW],
      variables,
      validations: [
        denyUnless(
          "controller-namespace",
          "metadata.namespace",
          "this namespace belongs to a cluster controller; work in a namespace of your own, or ask the platform team",
          `variables.isAtHome || (variables.isController && variables.isReport) || (${HOUSEKEEPING})`,
        ),
      ],
    },
    {
      name: "catalyst-sovereign-namespace",
      purpose: [
        "Lets only the platform work in Sovereigns' namespaces. Listed controllers do their housekeeping there.",
      ],
      requests: [inNamespace],
      namespaces: [labelled(LABEL.sovereign, "Exists"), labelled(LABEL.organization, "DoesNotExist")],
      conditions: [NOT_A_REVIEW],
      variables,
      validations: [
        denyUnless(
          "sovereign-namespace",
          "metadata.namespace",
          "the operator manages this namespace; change spec.branding, spec.tiers or spec.addons of the Sovereign instead",
          `(${HOUSEKEEPING}) || (${RECONCILED})`,
        ),
      ],
    },
    {
      name: "catalyst-catalog-namespace",
      purpose: [
        "Lets only the platform write in the catalogs. Others may keep Blueprints in catalog-sovereign.",
      ],
      requests: [inNamespace],
      namespaces: [named("In", [CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE])],
      conditions: [NOT_A_REVIEW],
      validations: [
        denyUnless(
          "catalog-namespace",
          "metadata.namespace",
          "the catalogs hold Blueprints only; keep private Blueprints in catalog-sovereign, and everything else in a namespace of your own",
          `request.namespace == "${PRIVATE_CATALOG_NAMESPACE}" && request.resource.group == "${GROUP}" && request.resource.resource == "blueprints"`,
        ),
      ],
    },
  ];
};

const clusterScope = (lists: IdentityLists): KyvernoRule => ({
  name: "catalyst-cluster-scope",
  purpose: [
    "Lets only the platform write cluster-scoped kinds. Namespaces have a policy of their own, the webhook judges the fields of",
    "Sovereigns, and native policies judge caBundle. Listed controllers write the status of custom kinds, and reports.",
  ],
  requests: [requests(["*"], ["*/*"], EVERYTHING, "Cluster")],
  conditions: [
    NOT_A_REVIEW,
    {
      name: "not-a-namespace",
      expression: `!(request.resource.group == "" && request.resource.resource == "namespaces")`,
    },
  ],
  variables: [
    {
      name: "isSovereign",
      expression: `${isResource(GROUP, "sovereigns")} && request.operation == "UPDATE"`,
    },
    {
      name: "isCustomStatus",
      expression: `${SUBRESOURCE} == "status" && request.resource.group.contains(".") && !request.resource.group.endsWith(".k8s.io") && request.resource.group != "${GROUP}"`,
    },
    {
      name: "isKubeletRequest",
      expression: `${isResource("certificates.k8s.io", "certificatesigningrequests")} && "system:bootstrappers" in request.userInfo.groups && request.operation == "CREATE" && object.spec.signerName == "kubernetes.io/kube-apiserver-client-kubelet"`,
    },
    isController(lists),
    IS_REPORT,
    {
      name: "isConstraint",
      expression: `${isResource("apiextensions.k8s.io", "customresourcedefinitions")} && request.?name.orValue("").endsWith(".constraints.gatekeeper.sh")`,
    },
  ],
  validations: [
    denyUnless(
      "cluster-scope",
      "metadata.name",
      "only the platform may write this kind, because it affects the whole cluster; use a kind of your own namespace, such as a Role and a RoleBinding, or ask the platform team to make the change",
      "variables.isSovereign || variables.isKubeletRequest || (variables.isController && (variables.isCustomStatus || variables.isReport || variables.isConstraint))",
    ),
  ],
});

const LABELS = Object.values(LABEL);
const changed = (member: "labels" | "annotations", names: readonly string[]) =>
  `${celList(names)}.all(name, (object == null ? {} : object.?metadata.?${member}.orValue({}))[?name] == (oldObject == null ? {} : oldObject.?metadata.?${member}.orValue({}))[?name])`;

const namespaces = (lists: IdentityLists): KyvernoRule => ({
  name: "catalyst-namespace",
  purpose: [
    "Reserves the names of the platform, Organizations and Sovereigns, and lets only the platform change guarded Namespaces.",
    "The names of an Organization's environments are known to the webhook alone.",
  ],
  requests: [requests([""], ["namespaces", "namespaces/*"], WRITES)],
  variables: [
    {
      name: "isListed",
      expression: `(request.operation == "DELETE" ? oldObject : object).metadata.name in ${celList(guardedNames(lists))}`,
    },
    {
      name: "isPlace",
      expression: `oldObject != null && ${celList(LABELS)}.exists(label, label in oldObject.?metadata.?labels.orValue({}))`,
    },
  ],
  validations: [
    denyUnless(
      "namespace-guarded",
      "metadata",
      "only the platform writes status and finalizers of a Namespace; delete its objects and let Kubernetes finish",
      `${SUBRESOURCE} == ""`,
    ),
    denyUnless(
      "namespace-reserved",
      "metadata.name",
      "this name is reserved for the platform, Organizations (org-*), Sovereigns (sovereign-*) or Kubernetes (kube-*); choose another",
      `request.operation != "CREATE" || !(variables.isListed || ["kube-", "org-", "sovereign-"].exists(prefix, object.metadata.name.startsWith(prefix)))`,
    ),
    denyUnless(
      "platform-label",
      "metadata.labels",
      `only the platform writes the label ${DEVICE_ADMIN_LABEL}; remove it`,
      `request.operation == "DELETE" || ${changed("labels", [DEVICE_ADMIN_LABEL])}`,
    ),
    denyUnless(
      "namespace-guarded",
      "metadata.name",
      "this Namespace is not yours: only the platform changes or deletes it",
      `request.operation == "CREATE" || !(variables.isListed || variables.isPlace)`,
    ),
  ],
});

const marks = (lists: IdentityLists): KyvernoRule => ({
  name: "catalyst-platform-label",
  purpose: [
    "Lets only the platform write its labels and the objects that it manages, and only the pipeline write evidence.",
  ],
  requests: [requests(["*"], ["*/*"], WRITES)],
  matchesEverything: true,
  conditions: [NOT_A_REVIEW],
  variables: [isController(lists)],
  validations: [
    denyUnless(
      "platform-label",
      "metadata.labels",
      `only the platform may write the labels ${LABELS.join(", ")}; leave them unchanged`,
      `request.operation == "DELETE" || ${changed("labels", LABELS)}`,
    ),
    denyUnless(
      "evidence-pipeline-only",
      "metadata.annotations",
      `only the pipeline may write ${GROUP}/approved-by and ${GROUP}/score; leave them unchanged, and run the pipeline`,
      `request.operation == "DELETE" || "catalyst:pipeline" in request.userInfo.groups || ${changed("annotations", [`${GROUP}/approved-by`, `${GROUP}/score`])}`,
    ),
    denyUnless(
      "managed-object",
      "metadata.labels",
      "the operator manages this object; change the Sovereign or Organization that it belongs to",
      `oldObject == null || request.resource.group == "${GROUP}" || request.resource.resource == "namespaces" || !("${LABEL.managedBy}" in oldObject.?metadata.?labels.orValue({})) || (variables.isController && ${SUBRESOURCE} == "status")`,
    ),
  ],
});

export const placeRules = (lists: IdentityLists): KyvernoRule[] => [
  ...namespaceRules(lists),
  clusterScope(lists),
  namespaces(lists),
  marks(lists),
];
