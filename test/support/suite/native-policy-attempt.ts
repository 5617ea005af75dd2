import { ANNOTATION_SEEDS } from "./native-policy-annotation.ts";
import {
  ADMISSION,
  API_SERVICES,
  apiService,
  caBundle,
  DEFINITIONS,
  event,
  LABELLED,
  MUTATING,
  OURS,
  RBAC,
  SOVEREIGNS,
  SYSTEM,
  VALIDATING,
  webhookConfiguration,
} from "./native-policy-object.ts";
import { SERVICE_SEEDS } from "./native-policy-service.ts";
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

/** Objects that the attempts change. */
export const NATIVE_POLICY_SEEDS: readonly Request[] = [
  post("/api/v1/namespaces", named("v1", "Namespace", "shop")),
  post(core("shop", "configmaps"), configMap("settings")),
  ...SERVICE_SEEDS,
  ...ANNOTATION_SEEDS,
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

export const NATIVE_ATTEMPTS: readonly NativeAttempt[] = [...WEBHOOKS, ...SCOPE, ...NAMESPACE];
