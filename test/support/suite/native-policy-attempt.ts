import { ALLOWED_SERVICES, SERVICE_SEEDS } from "./native-policy-service.ts";
import {
  apply,
  cluster,
  core,
  group,
  jsonPatch,
  mergePatch,
  post,
  put,
  type Request,
  remove,
} from "./red-team/attempt.ts";
import { AUTHORITY } from "./red-team/certificate.ts";
import {
  clusterRole,
  clusterRoleBinding,
  configMap,
  LABEL_PREFIX,
  named,
  pod,
  roleBinding,
  secret,
  service,
  tokenRequest,
} from "./red-team/object.ts";
import type { Person } from "./red-team/person.ts";

const ADMISSION = "admissionregistration.k8s.io/v1";
const VALIDATING = cluster(ADMISSION, "validatingwebhookconfigurations");
const MUTATING = cluster(ADMISSION, "mutatingwebhookconfigurations");
const API_SERVICES = cluster("apiregistration.k8s.io/v1", "apiservices");
const DEFINITIONS = cluster("apiextensions.k8s.io/v1", "customresourcedefinitions");
const RBAC = "rbac.authorization.k8s.io/v1";
const LABELLED = { metadata: { labels: { mine: "yes" } } };
const OURS = `${VALIDATING}/catalyst-operator`;
const SOVEREIGNS = `${DEFINITIONS}/sovereigns.${LABEL_PREFIX}`;

const apiService = (groupName: string) => ({
  ...named("apiregistration.k8s.io/v1", "APIService", `v1.${groupName}`, {
    spec: {
      ...{ group: groupName, version: "v1", groupPriorityMinimum: 1, versionPriority: 1 },
      service: { name: "app", namespace: "shop" },
    },
  }),
});

/** A webhook for a kind that does not exist, so that it is never called. */
const hook = (name: string) => ({
  name,
  clientConfig: { url: "https://127.0.0.1:2/hook" },
  rules: [{ apiGroups: ["none.example"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["nones"] }],
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
});
const webhookConfiguration = (kind: "Validating" | "Mutating", name: string) =>
  named(ADMISSION, `${kind}WebhookConfiguration`, name, {
    webhooks: [hook(`one.${name}.example`), hook(`two.${name}.example`)],
  });
const caBundle = (index: number) => ({
  op: "add",
  path: `/webhooks/${index}/clientConfig/caBundle`,
  value: AUTHORITY,
});

/** Objects that the attempts change. */
export const NATIVE_POLICY_SEEDS: readonly Request[] = [
  post("/api/v1/namespaces", named("v1", "Namespace", "shop")),
  post(core("shop", "configmaps"), configMap("settings")),
  ...SERVICE_SEEDS,
  post(core("catalyst-system", "configmaps"), configMap("settings")),
  post(core("catalyst-system", "serviceaccounts"), named("v1", "ServiceAccount", "catalyst-operator")),
  post(core("catalyst-system", "pods"), pod("operator-0")),
  post(core("catalyst-system", "services"), service("operator")),
  post(VALIDATING, webhookConfiguration("Validating", "theirs")),
  post(MUTATING, webhookConfiguration("Mutating", "theirs")),
  post(MUTATING, webhookConfiguration("Mutating", "injected")),
  post(cluster(RBAC, "clusterroles"), clusterRole("catalyst-operator")),
  post(cluster(RBAC, "clusterroles"), clusterRole("catalystic")),
  post(
    cluster(RBAC, "clusterrolebindings"),
    clusterRoleBinding("catalyst-operator", "catalyst-operator", "ops"),
  ),
  post(DEFINITIONS, {
    ...named("apiextensions.k8s.io/v1", "CustomResourceDefinition", `sovereigns.${LABEL_PREFIX}`),
    spec: {
      group: LABEL_PREFIX,
      scope: "Cluster",
      names: { plural: "sovereigns", singular: "sovereign", kind: "Sovereign", listKind: "SovereignList" },
      versions: [
        {
          ...{ name: "v1alpha1", served: true, storage: true },
          schema: { openAPIV3Schema: { type: "object" } },
        },
      ],
    },
  }),
];

export interface NativeAttempt {
  title: string;
  by: Person;
  request: Request;
  /** How the denial begins: the rule and the field. */
  denial: string;
  only?: "real";
}

const denied =
  (denial: string, only?: "real") =>
  (title: string, request: Request, by: Person = "stranger"): NativeAttempt => ({
    ...{ title, by, request, denial },
    ...(only === undefined ? {} : { only }),
  });

const OF_OURS = denied("webhook-configuration: metadata.name: ");
const OF_WEBHOOK = denied("webhook-configuration: webhooks: ");
const OF_CLUSTER = denied("cluster-scope: metadata.name: ");
const IN_NAMESPACE = denied("platform-namespace: metadata.namespace: ");
const IN_REAL_NAMESPACE = denied("platform-namespace: metadata.namespace: ", "real");
const OF_NAMESPACE = denied("namespace-guarded: metadata.name: ");

const WEBHOOKS: readonly NativeAttempt[] = [
  OF_OURS("changes the operator's", mergePatch(OURS, { webhooks: null })),
  OF_OURS(
    "labels the operator's",
    apply(OURS, { apiVersion: ADMISSION, kind: "ValidatingWebhookConfiguration", ...LABELLED }),
  ),
  OF_OURS("deletes the operator's", remove(OURS)),
  OF_OURS("changes the operator's, as a Franchisee", mergePatch(OURS, LABELLED), "omantel"),
  OF_OURS("changes the operator's, as an account of kube-system-tools", remove(OURS), "lookalikeAccount"),
  OF_OURS("changes the operator's, with groups like the platform's", remove(OURS), "lookalike"),
  OF_OURS("changes the operator's CA bundle, as a controller", jsonPatch(OURS, [caBundle(0)]), "certManager"),
  OF_OURS(
    "deletes all with a label, the operator's among them",
    remove(`${VALIDATING}?labelSelector=catalyst.openova.io/managed-by%3Doperator`),
  ),
  OF_WEBHOOK("creates one", post(VALIDATING, webhookConfiguration("Validating", "new"))),
  OF_WEBHOOK("creates a mutating one", post(MUTATING, webhookConfiguration("Mutating", "new"))),
  OF_WEBHOOK(
    "creates a mutating one with the operator's name",
    post(MUTATING, webhookConfiguration("Mutating", "catalyst-operator")),
  ),
  OF_WEBHOOK("changes a CA bundle", jsonPatch(`${VALIDATING}/theirs`, [caBundle(0)])),
  OF_WEBHOOK("deletes another's", remove(`${MUTATING}/theirs`)),
  OF_WEBHOOK(
    "creates one as a controller",
    post(MUTATING, webhookConfiguration("Mutating", "new")),
    "certManager",
  ),
  OF_WEBHOOK("deletes one as a controller", remove(`${MUTATING}/theirs`), "certManager"),
  ...Object.entries({
    "the URL": [{ op: "replace", path: "/webhooks/0/clientConfig/url", value: "https://127.0.0.1:3/" }],
    "the rules": [{ op: "replace", path: "/webhooks/0/rules/0/apiGroups", value: ["*"] }],
    "the failure policy": [{ op: "add", path: "/webhooks/0/failurePolicy", value: "Ignore" }],
    "a match condition": [
      { op: "add", path: "/webhooks/0/matchConditions", value: [{ name: "a", expression: "false" }] },
    ],
    "the namespaces": [
      { op: "add", path: "/webhooks/0/namespaceSelector", value: { matchLabels: { a: "b" } } },
    ],
    "the number of webhooks": [{ op: "remove", path: "/webhooks/1" }],
    "the list, by leaving it out": [{ op: "remove", path: "/webhooks" }],
    "a label": [{ op: "add", path: "/metadata/labels", value: { mine: "yes" } }],
    "an owner": [
      {
        op: "add",
        path: "/metadata/ownerReferences",
        value: [{ apiVersion: "v1", kind: "ConfigMap", name: "gone", uid: "0" }],
      },
    ],
  }).map(([what, changes]) =>
    OF_WEBHOOK(
      `changes ${what} with a CA bundle, as a controller`,
      jsonPatch(`${MUTATING}/theirs`, what.startsWith("the list") ? changes : [caBundle(0), ...changes]),
      "certManager",
    ),
  ),
];

const SCOPE: readonly NativeAttempt[] = [
  OF_CLUSTER(
    "hijacks the webhook configurations",
    post(API_SERVICES, apiService(ADMISSION.split("/")[0] ?? "")),
  ),
  OF_CLUSTER("takes a group of the product", post(API_SERVICES, apiService(LABEL_PREFIX))),
  OF_CLUSTER("creates an APIService of its own", post(API_SERVICES, apiService("mallory.example"))),
  OF_CLUSTER(
    "creates an APIService as a controller",
    post(API_SERVICES, apiService("c.example")),
    "certManager",
  ),
  OF_CLUSTER(
    "widens the operator's role",
    jsonPatch(cluster(RBAC, "clusterroles/catalyst-operator"), [
      { op: "add", path: "/rules", value: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] },
    ]),
  ),
  OF_CLUSTER("deletes the operator's role", remove(cluster(RBAC, "clusterroles/catalyst-operator"))),
  OF_CLUSTER(
    "deletes the operator's binding",
    remove(cluster(RBAC, "clusterrolebindings/catalyst-operator")),
  ),
  OF_CLUSTER(
    "creates a role like the product's",
    post(cluster(RBAC, "clusterroles"), clusterRole("catalyst-more")),
  ),
  OF_CLUSTER(
    "binds the operator's role to itself",
    post(cluster(RBAC, "clusterrolebindings"), clusterRoleBinding("mine", "catalyst-operator", "mallory")),
  ),
  OF_CLUSTER("deletes a definition of the product", remove(SOVEREIGNS)),
  OF_CLUSTER("labels a definition of the product", mergePatch(SOVEREIGNS, LABELLED)),
  OF_CLUSTER(
    "writes the status of a definition of the product",
    mergePatch(`${SOVEREIGNS}/status`, { status: { storedVersions: ["v1alpha1", "v1"] } }),
  ),
  OF_CLUSTER(
    "changes a definition of the product, as a controller",
    mergePatch(SOVEREIGNS, LABELLED),
    "certManager",
  ),
];

const SYSTEM = "catalyst-system";
const NAMESPACE: readonly NativeAttempt[] = [
  IN_NAMESPACE("creates a ConfigMap", post(core(SYSTEM, "configmaps"), configMap("mine"))),
  IN_NAMESPACE("changes the trust", mergePatch(core(SYSTEM, "configmaps/settings"), { data: { a: "b" } })),
  IN_NAMESPACE("replaces a ConfigMap", put(core(SYSTEM, "configmaps/settings"), configMap("settings"))),
  IN_NAMESPACE("deletes ConfigMaps", remove(core(SYSTEM, "configmaps"))),
  IN_NAMESPACE("creates a Secret", post(core(SYSTEM, "secrets"), secret("mine"))),
  IN_NAMESPACE(
    "creates a Secret, as a controller",
    post(core(SYSTEM, "secrets"), secret("mine")),
    "certManager",
  ),
  IN_NAMESPACE("runs a Pod", post(core(SYSTEM, "pods"), pod("intruder"))),
  IN_NAMESPACE("deletes the operator's Pod", remove(core(SYSTEM, "pods/operator-0"))),
  IN_NAMESPACE(
    "redirects the webhook's Service",
    mergePatch(core(SYSTEM, "services/operator"), { spec: { selector: { app: "x" } } }),
  ),
  IN_NAMESPACE(
    "grants itself a role",
    post(group(RBAC, SYSTEM, "rolebindings"), roleBinding("mine", "edit", "mallory")),
  ),
  IN_NAMESPACE(
    "steals the Lease",
    post(
      group("coordination.k8s.io/v1", SYSTEM, "leases"),
      named("coordination.k8s.io/v1", "Lease", "catalyst-operator"),
    ),
  ),
  IN_NAMESPACE(
    "requests the operator's token",
    post(core(SYSTEM, "serviceaccounts/catalyst-operator/token"), tokenRequest),
  ),
  IN_NAMESPACE("writes an Event", post(core(SYSTEM, "events"), event(SYSTEM))),
  IN_REAL_NAMESPACE(
    "executes in the operator's Pod",
    post(core(SYSTEM, "pods/operator-0/exec?command=sh&stdout=true")),
  ),
  IN_REAL_NAMESPACE(
    "attaches to the operator's Pod",
    post(core(SYSTEM, "pods/operator-0/attach?stdout=true")),
  ),
  IN_REAL_NAMESPACE(
    "forwards a port of the operator's Pod",
    post(core(SYSTEM, "pods/operator-0/portforward")),
  ),
  IN_REAL_NAMESPACE("calls the operator's Pod", post(core(SYSTEM, "pods/operator-0/proxy/metrics"))),
  IN_REAL_NAMESPACE("calls the operator's Service", post(core(SYSTEM, "services/operator/proxy/metrics"))),
  IN_REAL_NAMESPACE(
    "evicts the operator's Pod",
    post(core(SYSTEM, "pods/operator-0/eviction"), named("policy/v1", "Eviction", "operator-0")),
  ),
  OF_NAMESPACE("labels the Namespace", mergePatch(`/api/v1/namespaces/${SYSTEM}`, LABELLED)),
  OF_NAMESPACE("deletes the Namespace", remove(`/api/v1/namespaces/${SYSTEM}`)),
  OF_NAMESPACE(
    "finalizes the Namespace",
    put(`/api/v1/namespaces/${SYSTEM}/finalize`, named("v1", "Namespace", SYSTEM)),
  ),
];

function event(namespace: string) {
  return {
    ...named("v1", "Event", "probe"),
    involvedObject: { kind: "Pod", namespace, name: "operator-0" },
    reason: "Test",
  };
}

export const NATIVE_ATTEMPTS: readonly NativeAttempt[] = [...WEBHOOKS, ...SCOPE, ...NAMESPACE];

/** What must pass while the webhook is down: requests that neither a policy nor the webhook guards, and everything of the platform. */
export const NATIVE_ALLOWED: readonly { title: string; by: Person; request: Request }[] = [
  ...ALLOWED_SERVICES,
  {
    title: "creates a ConfigMap in an ordinary namespace",
    by: "stranger",
    request: post(core("shop", "configmaps"), configMap("mine")),
  },
  {
    title: "changes one",
    by: "stranger",
    request: mergePatch(core("shop", "configmaps/settings"), { data: { a: "b" } }),
  },
  {
    title: "applies one",
    by: "omantel",
    request: apply(core("shop", "configmaps/applied"), configMap("applied")),
  },
  {
    title: "creates a NetworkPolicy",
    by: "omantel",
    request: post(
      group("networking.k8s.io/v1", "shop", "networkpolicies"),
      named("networking.k8s.io/v1", "NetworkPolicy", "none", { spec: { podSelector: {} } }),
    ),
  },
  { title: "creates a Secret", by: "amal", request: post(core("shop", "secrets"), secret("mine")) },
  {
    title: "grants a role in its namespace",
    by: "stranger",
    request: post(group(RBAC, "shop", "rolebindings"), roleBinding("team", "view", "eve")),
  },
  {
    title: "writes an Event in its namespace",
    by: "stranger",
    request: post(core("shop", "events"), event("shop")),
  },
  {
    title: "keeps a Lease",
    by: "ordinaryAccount",
    request: post(
      group("coordination.k8s.io/v1", "shop", "leases"),
      named("coordination.k8s.io/v1", "Lease", "leader"),
    ),
  },
  {
    title: "asks what it may do",
    by: "stranger",
    request: post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb: "get", resource: "pods" } },
    }),
  },
  { title: "deletes one", by: "stranger", request: remove(core("shop", "configmaps/mine")) },
  {
    title: "renews the CA bundle of another's mutating webhooks",
    by: "certManager",
    request: jsonPatch(`${MUTATING}/injected`, [caBundle(0), caBundle(1)]),
  },
  {
    title: "renews the CA bundle of another's validating webhook",
    by: "certManager",
    request: jsonPatch(`${VALIDATING}/theirs`, [caBundle(1)]),
  },
  {
    title: "writes a Pod's status in catalyst-system",
    by: "kubelet",
    request: mergePatch(core(SYSTEM, "pods/operator-0/status"), { status: { phase: "Running" } }),
  },
  {
    title: "creates a Pod in catalyst-system",
    by: "deploymentController",
    request: post(core(SYSTEM, "pods"), pod("operator-1")),
  },
  {
    title: "writes an Event in catalyst-system",
    by: "scheduler",
    request: post(core(SYSTEM, "events"), { ...event(SYSTEM), metadata: { name: "scheduled" } }),
  },
  {
    title: "repairs the operator's webhook configuration",
    by: "platform",
    request: mergePatch(OURS, LABELLED),
  },
  {
    title: "changes a webhook configuration as the operator of Flux",
    by: "helmController",
    request: mergePatch(`${MUTATING}/theirs`, LABELLED),
  },
  {
    title: "works in catalyst-system",
    by: "platform",
    request: post(core(SYSTEM, "configmaps"), configMap("ours")),
  },
  {
    title: "writes the operator's role",
    by: "platform",
    request: mergePatch(cluster(RBAC, "clusterroles/catalyst-operator"), LABELLED),
  },
  { title: "writes a definition of the product", by: "platform", request: mergePatch(SOVEREIGNS, LABELLED) },
  {
    title: "creates an APIService",
    by: "platform",
    request: post(API_SERVICES, apiService("metrics.example")),
  },
];

/** The same without the webhook: what no policy guards. */
export const NATIVE_UNGUARDED: readonly { title: string; by: Person; request: Request }[] = [
  {
    title: "changes a ClusterRole that is not the product's",
    by: "stranger",
    request: mergePatch(cluster(RBAC, "clusterroles/catalystic"), LABELLED),
  },
  {
    title: "writes an Event in catalyst-system",
    by: "certManager",
    request: post(core(SYSTEM, "events"), { ...event(SYSTEM), metadata: { name: "issued" } }),
  },
  {
    title: "creates a Namespace",
    by: "stranger",
    request: post("/api/v1/namespaces", named("v1", "Namespace", "catalyst-system-2")),
  },
  {
    title: "works in it",
    by: "stranger",
    request: post(core("catalyst-system-2", "configmaps"), configMap("mine")),
  },
];
