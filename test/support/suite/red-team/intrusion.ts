import {
  apply,
  core,
  group,
  jsonPatch,
  mergePatch,
  post,
  put,
  type Request,
  remove,
  strategicPatch,
} from "./attempt.ts";
import {
  accountToken,
  configMap,
  deployment,
  endpointSlice,
  helmRelease,
  named,
  pod,
  restrictedContainer,
  restrictedPod,
  role,
  roleBinding,
  SIGNED,
  secret,
  serviceAccount,
  tokenRequest,
  widget,
} from "./object.ts";

const APPS = "apps/v1";
const RBAC = "rbac.authorization.k8s.io/v1";
const relabel = { metadata: { labels: { mine: "yes" } } };

type Intrusion = readonly [title: string, request: (namespace: string) => Request];

/** Requests that change or read something in a namespace of another tenant. */
export const INTRUSIONS: readonly Intrusion[] = [
  ["creates a ConfigMap", (at) => post(core(at, "configmaps"), configMap("new"))],
  [
    "creates a ConfigMap under a generated name",
    (at) => post(core(at, "configmaps"), { ...configMap(""), metadata: { generateName: "new-" } }),
  ],
  [
    "creates a ConfigMap as a dry run",
    (at) => post(`${core(at, "configmaps")}?dryRun=All`, configMap("dry")),
  ],
  ["replaces a ConfigMap", (at) => put(core(at, "configmaps/settings"), configMap("settings"))],
  ["patches a ConfigMap by merge patch", (at) => mergePatch(core(at, "configmaps/settings"), relabel)],
  [
    "patches a ConfigMap by strategic merge patch",
    (at) => strategicPatch(core(at, "configmaps/settings"), relabel),
  ],
  [
    "patches a ConfigMap by JSON patch",
    (at) => jsonPatch(core(at, "configmaps/settings"), [{ op: "add", path: "/data/colour", value: "black" }]),
  ],
  [
    "becomes co-owner of a ConfigMap by server-side apply",
    (at) => apply(core(at, "configmaps/settings"), configMap("settings", { data: { colour: "red" } })),
  ],
  [
    "creates a ConfigMap by server-side apply",
    (at) => apply(core(at, "configmaps/applied"), configMap("applied")),
  ],
  ["deletes a ConfigMap", (at) => remove(core(at, "configmaps/settings"))],
  [
    "deletes all ConfigMaps with a label",
    (at) => remove(`${core(at, "configmaps")}?labelSelector=part%3Dsettings`),
  ],
  [
    "adds an owner to a Secret, so that the garbage collector deletes it",
    (at) =>
      mergePatch(core(at, "secrets/credentials"), {
        metadata: { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "gone", uid: "0" }] },
      }),
  ],
  [
    "adds a finalizer to a Secret",
    (at) => mergePatch(core(at, "secrets/credentials"), { metadata: { finalizers: ["example.org/mine"] } }),
  ],
  [
    "creates a Secret with a token",
    (at) => post(core(at, "secrets"), secret("stolen", accountToken("robot"))),
  ],
  ["requests a token", (at) => post(core(at, "serviceaccounts/robot/token"), tokenRequest)],
  ["creates a ServiceAccount", (at) => post(core(at, "serviceaccounts"), serviceAccount("mine"))],
  ["runs a Pod with a signed image", (at) => post(core(at, "pods"), restrictedPod("intruder"))],
  ["creates a Deployment", (at) => post(group(APPS, at, "deployments"), deployment("intruder"))],
  [
    "scales a Deployment",
    (at) => mergePatch(group(APPS, at, "deployments/app/scale"), { spec: { replicas: 0 } }),
  ],
  [
    "writes the status of a Deployment",
    (at) => mergePatch(group(APPS, at, "deployments/app/status"), { status: { replicas: 9 } }),
  ],
  [
    "writes the status of a Pod",
    (at) => mergePatch(core(at, "pods/app-0/status"), { status: { reason: "x" } }),
  ],
  ["deletes a Pod", (at) => remove(core(at, "pods/app-0"))],
  [
    "grants itself a role",
    (at) => post(group(RBAC, at, "rolebindings"), roleBinding("mine", "edit", "omantel-admin")),
  ],
  [
    "changes who holds a role",
    (at) =>
      mergePatch(group(RBAC, at, "rolebindings/own"), {
        subjects: [{ kind: "Group", name: "all", apiGroup: "rbac.authorization.k8s.io" }],
      }),
  ],
  ["creates a Role", (at) => post(group(RBAC, at, "roles"), role("mine"))],
  [
    "installs a HelmRelease",
    (at) => post(group("helm.toolkit.fluxcd.io/v2", at, "helmreleases"), helmRelease("intruder")),
  ],
  ["creates a custom kind", (at) => post(group("example.org/v1", at, "widgets"), widget("intruder"))],
  [
    "creates a Lease that elects it",
    (at) =>
      post(group("coordination.k8s.io/v1", at, "leases"), named("coordination.k8s.io/v1", "Lease", "leader")),
  ],
];

/** The same for resources that the embedded API server does not serve. */
export const REAL_INTRUSIONS: readonly Intrusion[] = [
  ["executes in a Pod", (at) => post(core(at, "pods/app-0/exec?command=sh&stdout=true"))],
  ["attaches to a Pod", (at) => post(core(at, "pods/app-0/attach?stdout=true"))],
  ["forwards a port of a Pod", (at) => post(core(at, "pods/app-0/portforward"))],
  ["calls a Pod through the API server", (at) => post(core(at, "pods/app-0/proxy/admin"))],
  ["calls a Service through the API server", (at) => post(core(at, "services/app/proxy/admin"))],
  ["evicts a Pod", (at) => post(core(at, "pods/app-0/eviction"), named("policy/v1", "Eviction", "app-0"))],
  [
    "binds a Pod to a node",
    (at) =>
      post(core(at, "pods/app-0/binding"), {
        ...named("v1", "Binding", "app-0"),
        target: { apiVersion: "v1", kind: "Node", name: "node-1" },
      }),
  ],
  [
    "adds an ephemeral container",
    (at) =>
      strategicPatch(core(at, "pods/app-0/ephemeralcontainers"), {
        spec: { ephemeralContainers: [restrictedContainer("spy", SIGNED)] },
      }),
  ],
  [
    "writes EndpointSlices that redirect a Service",
    (at) =>
      post(group("discovery.k8s.io/v1", at, "endpointslices"), endpointSlice("redirect", "203.0.113.9")),
  ],
  [
    "claims a volume",
    (at) =>
      post(
        core(at, "persistentvolumeclaims"),
        named("v1", "PersistentVolumeClaim", "mine", {
          spec: {
            accessModes: ["ReadWriteOnce"],
            volumeName: "disk",
            resources: { requests: { storage: "1Gi" } },
          },
        }),
      ),
  ],
  [
    "limits what runs",
    (at) =>
      post(
        core(at, "resourcequotas"),
        named("v1", "ResourceQuota", "none", { spec: { hard: { pods: "0" } } }),
      ),
  ],
  [
    "creates a PodTemplate",
    (at) =>
      post(core(at, "podtemplates"), {
        ...named("v1", "PodTemplate", "intruder"),
        template: { spec: pod("x").spec },
      }),
  ],
];
