import {
  type Attempt,
  apply,
  core,
  group,
  mergePatch,
  on,
  onReal,
  post,
  put,
  type Request,
  strategicPatch,
} from "./attempt.ts";
import { CHANGES, containers, ENVIRONMENTS, EVIDENCE } from "./environment-change.ts";
import { evidence, OTHER_IMAGE, withMetadata } from "./environment-seed.ts";
import {
  CHART_ARTIFACT,
  configMap,
  cronJob,
  daemonSet,
  deployment,
  helmRelease,
  IMAGE_ARTIFACT,
  job,
  LABEL_PREFIX,
  named,
  ociRepository,
  PRIVATE_ARTIFACT,
  pod,
  REGISTRY,
  replicaSet,
  SIGNED,
  statefulSet,
  widget,
} from "./object.ts";
import type { Person } from "./person.ts";

const OCI = "source.toolkit.fluxcd.io/v1";
const HELM = "helm.toolkit.fluxcd.io/v2";

const INSTALLS: readonly [string, (at: string) => Request][] = [
  ["runs a Pod", (at) => post(core(at, "pods"), pod("new"))],
  [
    "runs a Pod under a generated name",
    (at) => post(core(at, "pods"), { ...pod(""), metadata: { generateName: "new-" } }),
  ],
  ["runs a Deployment", (at) => post(group("apps/v1", at, "deployments"), deployment("new"))],
  [
    "runs a Deployment without replicas",
    (at) => {
      const { spec, ...rest } = deployment("none");
      return post(group("apps/v1", at, "deployments"), { ...rest, spec: { ...spec, replicas: 0 } });
    },
  ],
  [
    "runs a Deployment as a dry run",
    (at) => post(`${group("apps/v1", at, "deployments")}?dryRun=All`, deployment("dry")),
  ],
  [
    "runs a Deployment by server-side apply",
    (at) => apply(group("apps/v1", at, "deployments/applied"), deployment("applied")),
  ],
  ["runs a StatefulSet", (at) => post(group("apps/v1", at, "statefulsets"), statefulSet("new"))],
  ["runs a DaemonSet", (at) => post(group("apps/v1", at, "daemonsets"), daemonSet("new"))],
  ["runs a ReplicaSet", (at) => post(group("apps/v1", at, "replicasets"), replicaSet("new"))],
  ["runs a Job", (at) => post(group("batch/v1", at, "jobs"), job("new"))],
  ["runs a CronJob", (at) => post(group("batch/v1", at, "cronjobs"), cronJob("new"))],
  ["runs a custom kind", (at) => post(group("example.org/v1", at, "widgets"), widget("new"))],
  ["installs an OCIRepository", (at) => post(group(OCI, at, "ocirepositories"), ociRepository("new"))],
  ["installs a HelmRelease", (at) => post(group(HELM, at, "helmreleases"), helmRelease("new"))],
  [
    "changes the values of a HelmRelease",
    (at) => mergePatch(group(HELM, at, "helmreleases/shop"), { spec: { values: { image: OTHER_IMAGE } } }),
  ],
  [
    "labels a Deployment as part of a HelmRelease",
    (at) =>
      post(
        group("apps/v1", at, "deployments"),
        withMetadata(deployment("charted"), { labels: { "helm.toolkit.fluxcd.io/name": "shop" } }),
      ),
  ],
];

const annotations = (name: string) => (name === "approved" ? evidence() : evidence(IMAGE_ARTIFACT));

/** Evidence of an earlier install, used for the next one. */
const REPLAYS: readonly Attempt[] = ["approved", "named"].flatMap((name) => {
  const path = group("apps/v1", "acme-stg", `deployments/${name}`);
  const of = name === "approved" ? "earlier evidence" : "evidence of an earlier digest";
  return [
    ...CHANGES.map(([how, request]) =>
      on(`installs another image under ${of} ${how}`, "amal", request(path, name), EVIDENCE),
    ),
    on(
      `replaces a Deployment under ${of}`,
      "amal",
      put(path, withMetadata(deployment(name, OTHER_IMAGE), { annotations: annotations(name) })),
      EVIDENCE,
    ),
    on(
      `copies ${of} to a new Deployment`,
      "amal",
      post(
        group("apps/v1", "acme-stg", "deployments"),
        withMetadata(deployment("copy"), { annotations: annotations(name) }),
      ),
      "evidence-pipeline-only",
    ),
  ];
});

const forged = { annotations: evidence(CHART_ARTIFACT) };
const EVIDENCE_REQUESTS: readonly [string, Request][] = [
  [
    "names the next digest in evidence while it installs it",
    strategicPatch(group("apps/v1", "acme-stg", "deployments/approved"), {
      metadata: forged,
      spec: { template: { spec: { containers } } },
    }),
  ],
  [
    "puts evidence into a Pod template, from which Pods inherit it",
    strategicPatch(group("apps/v1", "acme-stg", "deployments/app"), {
      spec: { template: { metadata: forged } },
    }),
  ],
  [
    "puts evidence into the Job template of a CronJob",
    post(group("batch/v1", "acme-stg", "cronjobs"), {
      ...cronJob("forged"),
      spec: { schedule: "0 3 * * *", jobTemplate: { metadata: forged, spec: job("x").spec } },
    }),
  ],
  [
    "puts evidence into values of a chart",
    mergePatch(group(HELM, "acme-stg", "helmreleases/shop"), {
      spec: { values: { podAnnotations: forged.annotations } },
    }),
  ],
  [
    "writes evidence by the status of a Deployment",
    mergePatch(group("apps/v1", "acme-stg", "deployments/app/status"), { metadata: forged }),
  ],
];

const SOAK_ATTEMPTS: readonly Attempt[] = [
  on(
    "forges the record of what ran",
    "amal",
    post(core("catalyst-system", "configmaps"), configMap("catalyst-soak-acme-poc")),
    "platform-namespace",
  ),
  on(
    "reports that its Pod runs",
    "amal",
    mergePatch(core("acme-poc", "pods/app-0/status"), {
      status: { conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }] },
    }),
    "pod-status",
  ),
  on(
    "counts an image as one that ran, in an init container that has ended",
    "amal",
    strategicPatch(core("acme-poc", "pods/prepared"), {
      spec: { initContainers: [{ name: "init", image: OTHER_IMAGE }] },
    }),
    "pod-status",
  ),
  on(
    "reports that its HelmRelease runs",
    "amal",
    mergePatch(group(HELM, "acme-poc", "helmreleases/shop/status"), {
      status: { history: [{ ociDigest: PRIVATE_ARTIFACT.digest, status: "deployed" }] },
    }),
    "install-source",
  ),
];

const people: readonly Person[] = ["amal", "acmeAccount"];

export const ENVIRONMENT_ATTEMPTS: readonly Attempt[] = [
  ...ENVIRONMENTS.flatMap(([at, expected]) =>
    // All rules judge the same kinds of installs, so only one environment tries all of them.
    INSTALLS.slice(at === "acme-stg" ? 0 : -5).map(([title, request]) =>
      on(`${title} in ${at} against its policy`, "amal", request(at), expected),
    ),
  ),
  ...people.flatMap((by) =>
    CHANGES.map(([how, request]) =>
      on(
        `changes an image ${how} outside the window`,
        by,
        request(group("apps/v1", "acme-uat", "deployments/app"), "app"),
        "environment-window",
      ),
    ),
  ),
  on(
    "changes the image of a Pod in place",
    "amal",
    strategicPatch(core("acme-stg", "pods/app-0"), { spec: { containers } }),
    EVIDENCE,
  ),
  on(
    "moves an OCIRepository to another digest under earlier evidence",
    "amal",
    mergePatch(group(OCI, "acme-stg", "ocirepositories/shop"), {
      spec: {
        url: `oci://${REGISTRY}/${PRIVATE_ARTIFACT.repository}`,
        ref: { digest: PRIVATE_ARTIFACT.digest },
      },
    }),
    EVIDENCE,
  ),
  on(
    "changes the values of a HelmRelease under evidence that names its chart",
    "amal",
    mergePatch(group(HELM, "acme-stg", "helmreleases/named"), { spec: { values: { debug: true } } }),
    EVIDENCE,
  ),
  on(
    "installs as the account of a HelmRelease, with its label, under evidence that names its chart",
    "acmeAccount",
    post(
      group("apps/v1", "acme-stg", "deployments"),
      withMetadata(deployment("charted"), { labels: { "helm.toolkit.fluxcd.io/name": "named" } }),
    ),
    EVIDENCE,
  ),
  ...REPLAYS,
  ...EVIDENCE_REQUESTS.map(([title, request]) => on(title, "amal", request, "evidence-pipeline-only")),
  ...SOAK_ATTEMPTS,
  on(
    "relabels its environment to escape a policy",
    "amal",
    mergePatch("/api/v1/namespaces/acme-uat", {
      metadata: { labels: { [`${LABEL_PREFIX}/environment`]: "dev" } },
    }),
    "namespace-guarded",
  ),
  on(
    "excepts itself from a policy",
    "amal",
    mergePatch(group(`${LABEL_PREFIX}/v1alpha1`, "catalyst-system", "environmentpolicies/window"), {
      spec: {
        exceptions: [
          {
            ...{ environment: "acme-uat", rule: "change-window", reason: "mine" },
            until: "2099-01-01T00:00:00Z",
          },
        ],
      },
    }),
    "platform-namespace",
  ),
  onReal(
    "adds a debugging container outside the window",
    "amal",
    strategicPatch(core("acme-uat", "pods/app-0/ephemeralcontainers"), {
      spec: { ephemeralContainers: [{ name: "debug", image: OTHER_IMAGE }] },
    }),
    "environment-window",
  ),
  onReal(
    "creates a PodTemplate outside the window",
    "amal",
    post(core("acme-uat", "podtemplates"), {
      ...named("v1", "PodTemplate", "new"),
      template: { spec: pod("x", SIGNED).spec },
    }),
    "environment-window",
  ),
];
