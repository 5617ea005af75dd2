import {
  type Attempt,
  core,
  group,
  mergePatch,
  on,
  post,
  type Request,
  remove,
  strategicPatch,
} from "./attempt.ts";
import { evidence, OTHER_IMAGE, ofDatabase, withMetadata } from "./environment-seed.ts";
import {
  CHART_ARTIFACT,
  configMap,
  deployment,
  helmRelease,
  IMAGE_ARTIFACT,
  job,
  ociRepository,
  pod,
  replicaSet,
  SIGNED,
} from "./object.ts";
import type { Person } from "./person.ts";

const can = (title: string, by: Person, request: Request) => on(title, by, request, "allowed");
const HELM = "helm.toolkit.fluxcd.io/v2";
const deployments = (at: string, rest = "") => group("apps/v1", at, `deployments${rest}`);

/** Requests that install nothing, in an environment whose window is closed. */
const WORK: readonly Attempt[] = [
  can(
    "scales outside the window",
    "amal",
    mergePatch(deployments("acme-uat", "/app/scale"), { spec: { replicas: 3 } }),
  ),
  can(
    "scales by a patch outside the window",
    "amal",
    strategicPatch(deployments("acme-uat", "/app"), { spec: { replicas: 2 } }),
  ),
  can(
    "restarts a Deployment outside the window",
    "amal",
    strategicPatch(deployments("acme-uat", "/app"), {
      spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "now" } } } },
    }),
  ),
  can(
    "labels a HelmRelease outside the window",
    "amal",
    mergePatch(group(HELM, "acme-uat", "helmreleases/shop"), { metadata: { labels: { team: "web" } } }),
  ),
  can(
    "suspends a HelmRelease outside the window",
    "amal",
    mergePatch(group(HELM, "acme-uat", "helmreleases/shop"), { spec: { suspend: true } }),
  ),
  can(
    "writes a ConfigMap outside the window",
    "amal",
    post(core("acme-uat", "configmaps"), configMap("later")),
  ),
  can("deletes a Pod outside the window", "amal", remove(core("acme-uat", "pods/app-0"))),
  can("deletes a Deployment outside the window", "amal", remove(deployments("acme-uat", "/named"))),
  can(
    "makes the ReplicaSet of a Deployment outside the window",
    "deploymentController",
    post(group("apps/v1", "acme-uat", "replicasets"), replicaSet("app-2")),
  ),
  can("makes a Pod outside the window", "deploymentController", post(core("acme-uat", "pods"), pod("app-9"))),
  can("installs outside the window", "platform", post(deployments("acme-uat"), deployment("urgent"))),
];

const EVIDENCE: readonly Attempt[] = [
  can(
    "installs with its evidence",
    "acmePipeline",
    post(deployments("acme-stg"), withMetadata(deployment("fresh"), { annotations: evidence() })),
  ),
  can(
    "installs another image, and names its digest in evidence with it",
    "acmePipeline",
    strategicPatch(deployments("acme-stg", "/fresh"), {
      metadata: { annotations: evidence(CHART_ARTIFACT) },
      spec: { template: { spec: { containers: [{ name: "app", image: OTHER_IMAGE }] } } },
    }),
  ),
  can(
    "installs the earlier image, and writes evidence without a digest with it",
    "acmePipeline",
    strategicPatch(deployments("acme-stg", "/fresh"), {
      metadata: { annotations: evidence() },
      spec: { template: { spec: { containers: [{ name: "app", image: SIGNED }] } } },
    }),
  ),
  can(
    "installs with evidence that names the digest",
    "acmePipeline",
    post(
      group("batch/v1", "acme-stg", "jobs"),
      withMetadata(job("fresh"), { annotations: evidence(IMAGE_ARTIFACT) }),
    ),
  ),
  can(
    "installs a chart with its evidence",
    "acmePipeline",
    post(
      group("source.toolkit.fluxcd.io/v1", "acme-stg", "ocirepositories"),
      withMetadata(ociRepository("fresh"), { annotations: evidence(CHART_ARTIFACT) }),
    ),
  ),
  can(
    "names the images of a chart in the evidence of its HelmRelease",
    "acmePipeline",
    post(
      group(HELM, "acme-stg", "helmreleases"),
      withMetadata(helmRelease("charted"), {
        annotations: Object.fromEntries(
          Object.entries(evidence(CHART_ARTIFACT)).map(([name, text]) => [
            name,
            `${text}, ${evidence(IMAGE_ARTIFACT)[name]}`,
          ]),
        ),
      }),
    ),
  ),
  can(
    "makes what the chart of a HelmRelease contains",
    "acmeAccount",
    post(
      deployments("acme-stg"),
      withMetadata(deployment("charted"), { labels: { "helm.toolkit.fluxcd.io/name": "charted" } }),
    ),
  ),
  can(
    "approves the next digest",
    "acmePipeline",
    mergePatch(deployments("acme-stg", "/app"), { metadata: { annotations: evidence(CHART_ARTIFACT) } }),
  ),
  can(
    "installs the digest that was approved",
    "amal",
    strategicPatch(deployments("acme-stg", "/app"), {
      spec: { template: { spec: { containers: [{ name: "app", image: OTHER_IMAGE }] } } },
    }),
  ),
];

/** A database may fail over at any time, whatever its environment requires of installs. */
const FAILOVER: readonly Attempt[] = ["acme-stg", "acme-uat", "acme-dev"].flatMap((at) => [
  can(
    `makes an instance of a database again in ${at}`,
    "cloudNativePg",
    post(core(at, "pods"), ofDatabase(pod("database-1"))),
  ),
  can(
    `runs the Job by which a replica joins a database in ${at}`,
    "cloudNativePg",
    post(group("batch/v1", at, "jobs"), ofDatabase(job("database-2-join"))),
  ),
]);

export const ALLOWED_ENVIRONMENT: readonly Attempt[] = [
  ...WORK,
  ...FAILOVER,
  ...EVIDENCE,
  can(
    "installs where policies only warn and audit",
    "amal",
    post(deployments("acme-poc"), deployment("new")),
  ),
];
