import { GROUP } from "../api/kind.ts";
import { LABEL } from "../api/label.ts";
import { SYSTEM_NAMESPACE, WEBHOOK_CONFIGURATION, WEBHOOK_SERVICE } from "../api/name.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { Enforcement } from "./enforcement.ts";
import { EVERYTHING, WRITES } from "./policy/guard.ts";
import { type MatchCondition, NOT_A_REVIEW, notPlatform } from "./policy/match-condition.ts";
import { type LabelRequirement, labelled, named } from "./policy/namespace-selector.ts";
import { admissionPath } from "./routes.ts";
import { EVERY } from "./rules/account.ts";
import { CLUSTER_SERVICE } from "./rules/cluster-service.ts";
import { DESTINATION_KINDS } from "./rules/destination-field.ts";
import { HOST_GROUPS } from "./rules/host-claim.ts";
import type { IdentityLists } from "./rules/identity.ts";
import { guardedNames, PLACE_LABELS } from "./rules/place.ts";
import type { NamespaceSelection } from "./rules/request.ts";
import { WORKLOADS } from "./rules/workload-image.ts";
import {
  ADDS_ENDPOINTS,
  ALLOCATES_DEVICE,
  ANNOTATES,
  CLAIMS_ADDRESS_OR_HOST,
  HOLDS_OWNER,
  IS_CLUSTER_SERVICE,
  IS_INSTALLER_OR_DEPUTY,
  IS_JUDGED_SECRET,
  NAMES_VOLUME_OR_SOURCE,
} from "./webhook-condition.ts";

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

/**
 * Without the annotation, AKS leaves out of every webhook the namespaces with a label `control-plane`. A tenant could set that
 * label, and the operator would restore its own selectors without end.
 */
const METADATA = {
  name: WEBHOOK_CONFIGURATION,
  labels: { [LABEL.managedBy]: "operator" },
  annotations: { "admissions.enforcer/disabled": "true" },
};

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
    metadata: METADATA,
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
      webhook("service", SERVICE_RULES, ordinary, [CLAIMS_ADDRESS_OR_HOST]),
      webhook("volume-claim", VOLUME_CLAIM_RULES, ordinary, [NAMES_VOLUME_OR_SOURCE]),
      webhook("endpoint", ENDPOINT_RULES, ordinary, [ADDS_ENDPOINTS]),
      webhook("annotation", ANNOTATION_RULES, ordinary, [ANNOTATES]),
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
 * condition: installers, owners, Secrets, Services, volume claims, endpoints, annotations and devices.
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

/** The writes of the API server's Service, and of its addresses. */
const CLUSTER_SERVICE_RULES: WebhookRule[] = [
  rule("", ["services", "services/status", "endpoints"], WRITES, "Namespaced"),
  rule("discovery.k8s.io", ["endpointslices"], WRITES, "Namespaced"),
];

const SERVICE_RULES = [rule("", ["services", "services/status"], ["CREATE", "UPDATE"], "Namespaced")];
const VOLUME_CLAIM_RULES = [rule("", ["persistentvolumeclaims"], ["CREATE", "UPDATE"], "Namespaced")];

const ENDPOINT_RULES: WebhookRule[] = [
  rule("", ["endpoints"], ["CREATE", "UPDATE"], "Namespaced"),
  rule("", ["pods/status"], ["UPDATE"], "Namespaced"),
  rule("discovery.k8s.io", ["endpointslices"], ["CREATE", "UPDATE"], "Namespaced"),
];

/** The ways to annotate a Pod or an Ingress besides writing it. A binding's annotations are copied into the Pod. */
const ANNOTATION_RULES: WebhookRule[] = [
  rule("", ["bindings", "pods/binding"], ["CREATE"], "Namespaced"),
  rule("", ["pods/status"], ["UPDATE"], "Namespaced"),
  rule("networking.k8s.io", ["ingresses/status"], ["UPDATE"], "Namespaced"),
];
