import {
  type Attempt,
  core,
  group,
  mergePatch,
  on,
  onReal,
  post,
  put,
  type Request,
  remove,
  strategicPatch,
} from "./attempt.ts";
import { helmRelease, named, ociRepository } from "./object.ts";
import type { Person } from "./person.ts";

/** An ordinary namespace, and an environment with one of its members. */
const HOMES: readonly [Person, string][] = [
  ["stranger", "shop"],
  ["amal", "acme-prod"],
];
const HOST = "omantel.test";
const OCI = "source.toolkit.fluxcd.io/v1beta2";
const HELM = "helm.toolkit.fluxcd.io/v2beta2";
const KUSTOMIZE = "kustomize.toolkit.fluxcd.io/v1beta2";
const GATEWAYS = "gateway.networking.k8s.io/v1beta1";
const ISTIO = "networking.istio.io/v1alpha3";

const older = <O extends object>(apiVersion: string, object: O) => ({ ...object, apiVersion });

/** The same kinds under an API version that is older than the one that the rules were written for. */
const OLDER: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  on(
    `creates a HelmRelease of v2beta2 with an inline chart in ${at}`,
    by,
    post(
      group(HELM, at, "helmreleases"),
      older(HELM, helmRelease("mine", { chartRef: undefined, chart: { spec: { chart: "x" } } })),
    ),
    "helm-release",
  ),
  on(
    `creates a HelmRelease of v2beta2 without a ServiceAccount in ${at}`,
    by,
    post(
      group(HELM, at, "helmreleases"),
      older(HELM, helmRelease("mine", { serviceAccountName: undefined })),
    ),
    "helm-release",
  ),
  on(
    `creates an OCIRepository of v1beta2 by tag in ${at}`,
    by,
    post(group(OCI, at, "ocirepositories"), older(OCI, ociRepository("mine", { ref: { tag: "latest" } }))),
    "oci-repository-digest",
  ),
  on(
    `unpins an OCIRepository by v1beta2 in ${at}`,
    by,
    mergePatch(group(OCI, at, "ocirepositories/shop"), { spec: { ref: { digest: null, tag: "latest" } } }),
    "oci-repository-digest",
  ),
  on(
    `forges the artifact of an OCIRepository by v1beta2 in ${at}`,
    by,
    mergePatch(group(OCI, at, "ocirepositories/shop/status"), {
      status: { artifact: { url: "http://evil" } },
    }),
    "install-source",
  ),
  on(
    `installs by a Kustomization of v1beta2 in ${at}`,
    by,
    post(group(KUSTOMIZE, at, "kustomizations"), named(KUSTOMIZE, "Kustomization", "mine", { spec: {} })),
    "install-source",
  ),
  on(
    `claims a Sovereign's host by an HTTPRoute of v1beta1 in ${at}`,
    by,
    post(
      group(GATEWAYS, at, "httproutes"),
      named(GATEWAYS, "HTTPRoute", "mine", { spec: { hostnames: [HOST] } }),
    ),
    "sovereign-host",
  ),
  on(
    `claims a Sovereign's host by a VirtualService of v1alpha3 in ${at}`,
    by,
    post(
      group(ISTIO, at, "virtualservices"),
      named(ISTIO, "VirtualService", "mine", { spec: { hosts: [HOST] } }),
    ),
    "sovereign-host",
  ),
]);

const autoscaler = (version: "autoscaling/v1" | "autoscaling/v2") =>
  named(version, "HorizontalPodAutoscaler", "mine", {
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "app" },
      minReplicas: 1,
      maxReplicas: 1,
    },
  });

const RESIZE = { spec: { containers: [{ name: "app", resources: { requests: { cpu: "20m" } } }] } };

/** Further subresources and API versions that a kube-apiserver serves. */
const SUBRESOURCES: readonly [string, (at: string) => Request][] = [
  ["resizes a Pod", (at) => strategicPatch(core(at, "pods/sized-0/resize"), RESIZE)],
  [
    "binds a Pod by the older resource",
    (at) =>
      post(core(at, "bindings"), {
        ...named("v1", "Binding", "app-0"),
        target: { apiVersion: "v1", kind: "Node", name: "node-1" },
      }),
  ],
  ["scales a Deployment by an autoscaler of v1", (at) => autoscale(at, "autoscaling/v1")],
  ["scales a Deployment by an autoscaler of v2", (at) => autoscale(at, "autoscaling/v2")],
  [
    "scales a StatefulSet",
    (at) => mergePatch(group("apps/v1", at, "statefulsets/store/scale"), { spec: { replicas: 0 } }),
  ],
  [
    "scales a ReplicaSet",
    (at) => mergePatch(group("apps/v1", at, "replicasets/app/scale"), { spec: { replicas: 0 } }),
  ],
  [
    "writes an Event of the newer API group",
    (at) =>
      post(group("events.k8s.io/v1", at, "events"), {
        ...named("events.k8s.io/v1", "Event", "mine"),
        eventTime: "2026-01-01T00:00:00.000000Z",
        ...{ reportingController: "mine", reportingInstance: "mine", action: "Test", reason: "Test" },
        ...{ type: "Normal", regarding: { kind: "Pod", namespace: at, name: "app-0" } },
      }),
  ],
  ["replaces something through a Pod's proxy", (at) => put(core(at, "pods/app-0/proxy/admin"), {})],
  ["deletes something through a Pod's proxy", (at) => remove(core(at, "pods/app-0:8080/proxy/admin"))],
  ["patches something through a Service's proxy", (at) => mergePatch(core(at, "services/app/proxy/x"), {})],
  [
    "deletes something through a Service's proxy over TLS",
    (at) => remove(core(at, "services/https:app:443/proxy/admin")),
  ],
  [
    "evicts a Pod as a dry run",
    (at) => post(`${core(at, "pods/app-0/eviction")}?dryRun=All`, named("policy/v1", "Eviction", "app-0")),
  ],
];

function autoscale(at: string, version: "autoscaling/v1" | "autoscaling/v2"): Request {
  return post(group(version, at, "horizontalpodautoscalers"), autoscaler(version));
}

const GUARDED: readonly [string, Attempt["expected"], Person][] = [
  ["kube-system", "platform-namespace", "omantel"],
  ["sovereign-omantel", "sovereign-namespace", "omantel"],
  ["globex-prod", "organization-namespace", "amal"],
];

const IN_PLACES: readonly Attempt[] = GUARDED.flatMap(([at, rule, by]) =>
  SUBRESOURCES.map(([title, request]) => onReal(`${title} in ${at}`, by, request(at), rule)),
);

const NODE_PROXY: readonly Attempt[] = [
  onReal(
    "executes in a container through a node's proxy",
    "stranger",
    post("/api/v1/nodes/node-1/proxy/exec/acme-prod/app-0/app?command=sh&output=1"),
    "cluster-scope",
  ),
  onReal(
    "replaces something through a node's proxy",
    "omantel",
    put("/api/v1/nodes/node-1:10250/proxy/configz", {}),
    "cluster-scope",
  ),
  onReal(
    "deletes something through a node's proxy over TLS",
    "amal",
    remove("/api/v1/nodes/https:node-1:10250/proxy/pods"),
    "cluster-scope",
  ),
];

export const VERSION_ATTEMPTS: readonly Attempt[] = [...OLDER, ...IN_PLACES, ...NODE_PROXY];

export const ALLOWED_VERSION: readonly Attempt[] = [
  onReal(
    "resizes its Pod",
    "amal",
    strategicPatch(core("acme-prod", "pods/sized-0/resize"), RESIZE),
    "allowed",
  ),
  ...HOMES.flatMap(([by, at]) => [
    on(
      `installs a HelmRelease of v2beta2 in ${at}`,
      by,
      post(group(HELM, at, "helmreleases"), older(HELM, helmRelease(`older-${by}`))),
      "allowed",
    ),
    on(
      `serves its own host by an HTTPRoute of v1beta1 in ${at}`,
      by,
      post(
        group(GATEWAYS, at, "httproutes"),
        named(GATEWAYS, "HTTPRoute", `older-${by}`, { spec: { hostnames: ["older.example"] } }),
      ),
      "allowed",
    ),
    ...(["autoscaling/v1", "autoscaling/v2"] as const).map((version) =>
      onReal(
        `autoscales its Deployment by ${version} in ${at}`,
        by,
        post(group(version, at, "horizontalpodautoscalers"), {
          ...autoscaler(version),
          metadata: { name: version.replace("/", "-") },
        }),
        "allowed",
      ),
    ),
    onReal(
      `evicts its Pod as a dry run in ${at}`,
      by,
      post(`${core(at, "pods/app-0/eviction")}?dryRun=All`, named("policy/v1", "Eviction", "app-0")),
      "allowed",
    ),
    onReal(
      `calls its Service through the API server in ${at}`,
      by,
      put(core(at, "services/app/proxy/x"), {}),
      "connected",
    ),
  ]),
];
