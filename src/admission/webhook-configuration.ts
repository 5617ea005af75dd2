import { GROUP } from "../api/kind.ts";
import { LABEL } from "../api/label.ts";
import { SYSTEM_NAMESPACE, WEBHOOK_CONFIGURATION, WEBHOOK_SERVICE } from "../api/name.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { Enforcement } from "./enforcement.ts";
import { EVERYTHING, WRITES } from "./policy/guard.ts";
import {
  CEL_IS_RELEASE_SECRET,
  celList,
  IS_INSTALLER,
  type MatchCondition,
  NOT_A_REVIEW,
  notPlatform,
} from "./policy/match-condition.ts";
import { type LabelRequirement, labelled, named } from "./policy/namespace-selector.ts";
import { admissionPath } from "./routes.ts";
import { EVERY } from "./rules/account.ts";
import { ADDRESS_ANNOTATION_SUFFIXES } from "./rules/balancer-address.ts";
import { CLUSTER_SERVICE, SLICE_LABEL } from "./rules/cluster-service.ts";
import { DEPUTY_GROUPS } from "./rules/deputy.ts";
import { DESTINATION_KINDS } from "./rules/destination-field.ts";
import { HOST_ANNOTATION_SUFFIXES } from "./rules/host-annotation.ts";
import { HOST_GROUPS } from "./rules/host-claim.ts";
import type { IdentityLists } from "./rules/identity.ts";
import { IDENTITY_SECRET_TYPES } from "./rules/permission.ts";
import { guardedNames, PLACE_LABELS } from "./rules/place.ts";
import type { NamespaceSelection } from "./rules/request.ts";
import { WORKLOADS } from "./rules/workload-image.ts";

export interface WebhookEndpoint {
  /** PEM. */
  caBundle: string;
  /** `https://…:9443`, where the API server reaches this process. Undefined: it goes through the Service. */
  url: string | undefined;
}

export interface WebhookScope {
  /** Default Deny. */
  enforcement?: Enforcement;
  /** Namespaces with an account that acts for others; `*` alone for all. */
  accountNamespaces?: readonly string[];
}

const TIMEOUT_SECONDS = 10;

interface WebhookRule {
  apiGroups: string[];
  apiVersions: string[];
  resources: string[];
  operations: string[];
  scope: string;
}

const rule = (group: string, resources: string[], operations = WRITES, scope = "*"): WebhookRule => ({
  apiGroups: [group],
  apiVersions: ["*"],
  resources,
  operations,
  scope,
});

/**
 * The webhook configuration, from the same lists as the rules. In guarded places the API server sends every request, by one
 * webhook. In ordinary namespaces it sends installs, and requests with effects beyond the namespace. A few of these match
 * two webhooks, such as a Pod that blocks the deletion of a Namespace. While the webhook is down, only the requests that are
 * sent fail. Those of the platform and the control plane are not sent, so the platform can always repair the webhook.
 */
export function desiredWebhookConfiguration(
  endpoint: WebhookEndpoint,
  lists: IdentityLists,
  { enforcement = "Deny", accountNamespaces = [] }: WebhookScope = {},
): KubernetesObject {
  const clientConfig = (path: string) => ({
    caBundle: Buffer.from(endpoint.caBundle).toString("base64"),
    ...(endpoint.url === undefined
      ? { service: { name: WEBHOOK_SERVICE, namespace: SYSTEM_NAMESPACE, path, port: 443 } }
      : { url: `${endpoint.url}${path}` }),
  });
  const webhook = (
    name: string,
    rules: WebhookRule[],
    { selected, selector }: Selector,
    conditions: MatchCondition[] = [],
  ) => ({
    name: `${name}.${GROUP}`,
    clientConfig: clientConfig(admissionPath(selected)),
    rules,
    ...(selector.length === 0 ? {} : { namespaceSelector: { matchExpressions: selector } }),
    matchConditions: [...notPlatform(lists), ...conditions],
    matchPolicy: "Equivalent",
    // In Audit every request passes, so requests must also pass while the webhook is down.
    failurePolicy: enforcement === "Deny" ? "Fail" : "Ignore",
    sideEffects: "None",
    timeoutSeconds: TIMEOUT_SECONDS,
    admissionReviewVersions: ["v1"],
  });
  const names = guardedNames(lists);
  const unlisted = named("NotIn", names);
  const ordinary: Selector = {
    selected: "ordinary",
    selector: [unlisted, ...PLACE_LABELS.map(({ label }) => labelled(label, "DoesNotExist"))],
  };
  const listed: Selector = { selected: "listed", selector: [named("In", names)] };
  const everywhere: Selector = { selected: undefined, selector: [] };
  const inNamespace = [rule("*", ["*/*"], EVERYTHING, "Namespaced")];
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: WEBHOOK_CONFIGURATION, labels: { [LABEL.managedBy]: "operator" } },
    webhooks: [
      webhook("cluster", [rule("*", ["*/*"], EVERYTHING, "Cluster")], everywhere, [NOT_A_REVIEW]),
      webhook("listed-namespace", inNamespace, listed, [NOT_A_REVIEW]),
      // A namespace may have several of the labels. It then matches the webhook of the first.
      ...PLACE_LABELS.map(({ label, selection }, index) => {
        const selector = [
          unlisted,
          labelled(label, "Exists"),
          ...PLACE_LABELS.slice(0, index).map((earlier) => labelled(earlier.label, "DoesNotExist")),
        ];
        return webhook(`${selection}-namespace`, inNamespace, { selected: selection, selector }, [
          NOT_A_REVIEW,
        ]);
      }),
      webhook("ordinary-namespace", ORDINARY_RULES, ordinary),
      webhook("installer", [rule("*", ["*/*"], WRITES, "Namespaced")], ordinary, [IS_INSTALLER_OR_DEPUTY]),
      webhook("owner", [rule("*", ["*/*"], ["CREATE", "UPDATE"], "Namespaced")], ordinary, [HOLDS_OWNER]),
      webhook("secret", [rule("", ["secrets"], ["CREATE", "UPDATE"])], ordinary, [IS_JUDGED_SECRET]),
      webhook(
        "service",
        [rule("", ["services", "services/status"], ["CREATE", "UPDATE"], "Namespaced")],
        ordinary,
        [CLAIMS_ADDRESS_OR_HOST],
      ),
      webhook(
        "volume-claim",
        [rule("", ["persistentvolumeclaims"], ["CREATE", "UPDATE"], "Namespaced")],
        ordinary,
        [NAMES_VOLUME_OR_SOURCE],
      ),
      webhook("endpoint", ENDPOINT_RULES, ordinary, [ADDS_ENDPOINTS]),
      webhook("device", [rule("resource.k8s.io", ["resourceclaims/status"], ["UPDATE"])], ordinary, [
        ALLOCATES_DEVICE,
      ]),
      webhook(
        "cluster-service",
        CLUSTER_SERVICE_RULES,
        { ...ordinary, selector: [named("In", [CLUSTER_SERVICE.namespace]), ...ordinary.selector] },
        [IS_CLUSTER_SERVICE],
      ),
      ...(accountNamespaces.length === 0
        ? []
        : [
            webhook("account-namespace", ACCOUNT_RULES, {
              ...ordinary,
              selector: [
                ...(accountNamespaces.includes(EVERY) ? [] : [named("In", accountNamespaces)]),
                ...ordinary.selector,
              ],
            }),
          ]),
    ],
  } as KubernetesObject;
}

/** The CA bundles (PEM) that a configuration carries, one for each of its webhooks. */
export function publishedBundles(configuration: KubernetesObject | undefined): string[] {
  const { webhooks = [] } = (configuration ?? {}) as {
    webhooks?: { clientConfig?: { caBundle?: string } }[];
  };
  return webhooks.map(({ clientConfig }) => Buffer.from(clientConfig?.caBundle ?? "", "base64").toString());
}

/** The namespaces that a webhook selects, and the name of this selection in the webhook's path. */
interface Selector {
  selected: NamespaceSelection | undefined;
  selector: LabelRequirement[];
}

/**
 * The requests in ordinary namespaces that are always sent. Other webhooks of this file select more requests by a
 * condition: installers, owners, Secrets, Services, volume claims, endpoints and devices.
 */
const ORDINARY_RULES: WebhookRule[] = [
  ...Object.entries(WORKLOADS).map(([group, resources]) => rule(group, resources, ["CREATE", "UPDATE"])),
  rule("apps", ["controllerrevisions"]),
  rule("", ["serviceaccounts/token"], ["CREATE"]),
  rule("certificates.k8s.io", ["podcertificaterequests"], ["CREATE"]),
  rule("rbac.authorization.k8s.io", ["roles"], ["CREATE", "UPDATE"]),
  ...[HOST_GROUPS, DESTINATION_KINDS].flatMap((kinds) =>
    Object.entries(kinds).map(([group, resources]) => rule(group, [...resources], ["CREATE", "UPDATE"])),
  ),
  rule(GROUP, ["*/*"]),
].map((it) => ({ ...it, scope: "Namespaced" }));

/**
 * Requests by which a user could act as an account without its token: connections to Pods, and grants of impersonation.
 * They are sent only for namespaces with such an account, so that exec works elsewhere while the webhook is down.
 */
const ACCOUNT_RULES: WebhookRule[] = [
  rule("", ["pods/exec", "pods/attach", "pods/portforward", "pods/proxy"], ["CONNECT"], "Namespaced"),
  rule("rbac.authorization.k8s.io", ["rolebindings"], ["CREATE", "UPDATE"], "Namespaced"),
];

const IS_INSTALLER_OR_DEPUTY: MatchCondition = {
  ...IS_INSTALLER,
  expression: `${IS_INSTALLER.expression} || request.resource.group in ${celList(DEPUTY_GROUPS)}`,
};

/** The writes of the API server's Service, and of its addresses. */
const CLUSTER_SERVICE_RULES: WebhookRule[] = [
  rule("", ["services", "services/status", "endpoints"], WRITES, "Namespaced"),
  rule("discovery.k8s.io", ["endpointslices"], WRITES, "Namespaced"),
];

/** A deletion has no new object, and a creation no old one. */
const IS_CLUSTER_SERVICE: MatchCondition = {
  name: "is-the-cluster-service",
  expression: ["object", "oldObject"]
    .map(
      (it) =>
        `(${it} != null && ((has(${it}.metadata.name) && ${it}.metadata.name == "${CLUSTER_SERVICE.name}") || (has(${it}.metadata.labels) && "${SLICE_LABEL}" in ${it}.metadata.labels && ${it}.metadata.labels["${SLICE_LABEL}"] == "${CLUSTER_SERVICE.name}")))`,
    )
    .join(" || "),
};

/** Secrets that hand out an identity, and those that Helm reads as its releases. */
const IS_JUDGED_SECRET: MatchCondition = {
  name: "is-a-judged-secret",
  expression: `(has(object.type) && object.type in ${celList(IDENTITY_SECRET_TYPES)}) || ${CEL_IS_RELEASE_SECRET}`,
};

/** Whether a member of the object is not empty, and differs from that of the old object. */
const sets = (member: string, empty: string): string => {
  const [now, before] = ["object", "oldObject"].map((it) => `${it}.?${member}.orValue(${empty})`);
  return `(${now} != ${empty} && (oldObject == null || ${now} != ${before}))`;
};

/**
 * Selects Services that claim an address, the name of another Service, or hosts by an annotation. Other Services pass while
 * the webhook is down.
 */
const CLAIMS_ADDRESS_OR_HOST: MatchCondition = {
  name: "claims-an-address-or-a-host",
  expression: [
    sets("spec.?externalIPs", "[]"),
    sets("status.?loadBalancer.?ingress", "[]"),
    sets("spec.?externalName", '""'),
    sets("spec.?loadBalancerIP", '""'),
    `(object.?spec.?type.orValue("") == "ExternalName" && oldObject != null && oldObject.?spec.?type.orValue("") != "ExternalName")`,
    `object.?metadata.?annotations.orValue({}).exists(name, ${celList([...HOST_ANNOTATION_SUFFIXES, ...ADDRESS_ANNOTATION_SUFFIXES])}.exists(suffix, name.endsWith(suffix)) && (oldObject == null || object.metadata.annotations[name] != oldObject.?metadata.?annotations[?name].orValue("")))`,
  ].join(" || "),
};

/**
 * Selects claims that name a volume or a source. Other claims pass while the webhook is down, and so does a claim that the
 * volume controller has bound.
 */
const NAMES_VOLUME_OR_SOURCE: MatchCondition = {
  name: "names-a-volume-or-a-source",
  expression: [sets("spec.?volumeName", '""'), sets("spec.?dataSourceRef.?namespace", '""')].join(" || "),
};

const ENDPOINT_RULES: WebhookRule[] = [
  rule("", ["endpoints"], ["CREATE", "UPDATE"], "Namespaced"),
  rule("", ["pods/status"], ["UPDATE"], "Namespaced"),
  rule("discovery.k8s.io", ["endpointslices"], ["CREATE", "UPDATE"], "Namespaced"),
];

/** Selects writes that add addresses of endpoints. The controllers of Kubernetes, which write nearly all, are not sent. */
const ADDS_ENDPOINTS: MatchCondition = {
  name: "adds-endpoints",
  expression: [sets("subsets", "[]"), sets("endpoints", "[]"), sets("status.?podIPs", "[]")].join(" || "),
};

const ALLOCATES_DEVICE: MatchCondition = {
  name: "allocates-a-device",
  expression: sets("status.?allocation", "{}"),
};

/** Selects objects without which the platform could not delete an object of its own, or a namespace. */
const HOLDS_OWNER: MatchCondition = {
  name: "holds-an-owner",
  expression: `object.?metadata.?ownerReferences.orValue([]).exists(owner, owner.?blockOwnerDeletion.orValue(false) && (owner.apiVersion.startsWith("${GROUP}/") || (owner.apiVersion == "v1" && owner.kind == "Namespace")))`,
};
