import {
  type Attempt,
  cluster,
  core,
  group,
  jsonPatch,
  mergePatch,
  on,
  post,
  put,
  remove,
} from "./attempt.ts";
import {
  configMap,
  deployment,
  helmRelease,
  LABEL_PREFIX,
  namespace,
  ociRepository,
  role,
  service,
} from "./object.ts";
import type { Person } from "./person.ts";

const can = (title: string, by: Person, request: Attempt["request"]) => on(title, by, request, "allowed");

const approved = { metadata: { annotations: { [`${LABEL_PREFIX}/approved-by`]: "amal" } } };

const review = (kind: string, spec: object) => ({ apiVersion: "authorization.k8s.io/v1", kind, spec });
const attributes = { resourceAttributes: { namespace: "kube-system", verb: "create", resource: "pods" } };

export const ALLOWED_ORDINARY: readonly Attempt[] = [
  can(
    "asks what it may do",
    "stranger",
    post(
      cluster("authorization.k8s.io/v1", "selfsubjectaccessreviews"),
      review("SelfSubjectAccessReview", attributes),
    ),
  ),
  can(
    "asks for all that it may do",
    "stranger",
    post(
      cluster("authorization.k8s.io/v1", "selfsubjectrulesreviews"),
      review("SelfSubjectRulesReview", { namespace: "shop" }),
    ),
  ),
  can(
    "asks what another may do",
    "omantel",
    post(
      cluster("authorization.k8s.io/v1", "subjectaccessreviews"),
      review("SubjectAccessReview", { ...attributes, user: "amal" }),
    ),
  ),
  can("creates a Namespace", "stranger", post("/api/v1/namespaces", namespace("mallory"))),
  can(
    "creates a Namespace under a generated name",
    "stranger",
    post("/api/v1/namespaces", { ...namespace(""), metadata: { generateName: "mallory-" } }),
  ),
  can(
    "creates a Namespace whose name only begins like an Organization's",
    "stranger",
    post("/api/v1/namespaces", namespace("acme-tools")),
  ),
  can("deletes its Namespace", "stranger", remove("/api/v1/namespaces/mallory")),
  can(
    "runs a Deployment",
    "ordinaryAccount",
    post(group("apps/v1", "shop", "deployments"), deployment("web")),
  ),
  can(
    "replaces its Deployment",
    "ordinaryAccount",
    put(group("apps/v1", "shop", "deployments/web"), deployment("web")),
  ),
  can("writes a ConfigMap", "stranger", post(core("shop", "configmaps"), configMap("ours"))),
  can(
    "deletes ConfigMaps",
    "stranger",
    remove(`${core("shop", "configmaps")}?labelSelector=part%3Dsettings`),
  ),
  can(
    "patches a Service",
    "stranger",
    jsonPatch(core("shop", "services/app"), [{ op: "add", path: "/metadata/labels", value: { a: "b" } }]),
  ),
  can("creates a Service", "stranger", post(core("shop", "services"), service("ours"))),
  can(
    "installs an OCIRepository",
    "stranger",
    post(group("source.toolkit.fluxcd.io/v1", "shop", "ocirepositories"), ociRepository("ours")),
  ),
  can(
    "installs a HelmRelease",
    "stranger",
    post(group("helm.toolkit.fluxcd.io/v2", "shop", "helmreleases"), helmRelease("ours")),
  ),
  can(
    "deletes its HelmRelease",
    "stranger",
    remove(group("helm.toolkit.fluxcd.io/v2", "shop", "helmreleases/ours")),
  ),
  can(
    "creates a Role",
    "stranger",
    post(
      group("rbac.authorization.k8s.io/v1", "shop", "roles"),
      role("reader", { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] }),
    ),
  ),
  can(
    "requests a token of an ordinary ServiceAccount",
    "stranger",
    post(core("shop", "serviceaccounts/robot/token"), {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {},
    }),
  ),
  can(
    "approves a Deployment of an ordinary namespace",
    "pipeline",
    mergePatch(group("apps/v1", "shop", "deployments/app"), approved),
  ),
];
