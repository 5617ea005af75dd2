import { ALLOWED_REPORTS } from "./native-policy-annotation.ts";
import {
  API_SERVICES,
  apiService,
  caBundle,
  event,
  LABELLED,
  MUTATING,
  type NativeRow,
  OURS,
  RBAC,
  SOVEREIGNS,
  SYSTEM,
  VALIDATING,
} from "./native-policy-object.ts";
import { ALLOWED_SERVICES } from "./native-policy-service.ts";
import { apply, cluster, core, group, jsonPatch, mergePatch, post, remove } from "./red-team/attempt.ts";
import { configMap, named, pod, roleBinding, secret } from "./red-team/object.ts";

/**
 * Requests that must pass while the webhook is down: those that neither a policy nor the webhook guards, and those of the
 * platform.
 */
export const NATIVE_ALLOWED: readonly NativeRow[] = [
  ...ALLOWED_SERVICES,
  ...ALLOWED_REPORTS,
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

/** Requests that must pass without the webhook: those that no policy guards. */
export const NATIVE_UNGUARDED: readonly NativeRow[] = [
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
