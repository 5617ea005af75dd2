import { type Attempt, core, group, mergePatch, on, post, type Request, strategicPatch } from "./attempt.ts";
import { CHANGES, containers, ENVIRONMENTS, EVIDENCE } from "./environment-change.ts";
import { evidence, ofDatabase, withMetadata } from "./environment-seed.ts";
import { CHART_ARTIFACT, deployment, job, LABEL_PREFIX, pod } from "./object.ts";
import type { Person } from "./person.ts";

const HELM = "helm.toolkit.fluxcd.io/v2";

const named90 = (score: string) => ({ ...evidence(), [`${LABEL_PREFIX}/score`]: score });
const asPipeline: readonly [string, object, Attempt["expected"]][] = [
  ["without evidence", {}, EVIDENCE],
  ["with a low score", named90("79"), "environment-score"],
  ["with a score that is no number", named90("NaN"), "environment-score"],
  ["with a score above 100", named90("9000"), "environment-score"],
  [
    "approved by a person that the policy does not list",
    { ...evidence(), [`${LABEL_PREFIX}/approved-by`]: "dana,Amal,amal2" },
    "environment-approval",
  ],
  ["with evidence of another digest", evidence(CHART_ARTIFACT), EVIDENCE],
];

/** Evidence that the pipeline itself leaves on the object from an earlier install. */
const PIPELINE_REPLAYS: readonly Attempt[] = [
  ...CHANGES.map(([how, request]) =>
    on(
      `installs another image ${how} and leaves the earlier evidence as it was`,
      "acmePipeline",
      request(group("apps/v1", "acme-stg", "deployments/approved"), "approved"),
      EVIDENCE,
    ),
  ),
  on(
    "installs another image and writes the earlier evidence again",
    "acmePipeline",
    strategicPatch(group("apps/v1", "acme-stg", "deployments/approved"), {
      metadata: { annotations: evidence() },
      spec: { template: { spec: { containers } } },
    }),
    EVIDENCE,
  ),
  on(
    "installs another image and writes only a new score",
    "acmePipeline",
    strategicPatch(group("apps/v1", "acme-stg", "deployments/approved"), {
      metadata: { annotations: { [`${LABEL_PREFIX}/score`]: "91" } },
      spec: { template: { spec: { containers } } },
    }),
    "environment-approval",
  ),
  ...["shop", "named"].map((name) =>
    on(
      `changes the values of HelmRelease ${name} and leaves the earlier evidence as it was`,
      "acmePipeline",
      mergePatch(group(HELM, "acme-stg", `helmreleases/${name}`), { spec: { values: { debug: true } } }),
      EVIDENCE,
    ),
  ),
];

/**
 * Requests of listed controllers, which write what a member's policy, template or object contains, its owner reference
 * included. The first controllers may not work in that namespace. cloudNativePg is a member of the Organization, so the
 * policy judges it.
 */
const CONTROLLER_ATTEMPTS: readonly [string, Person, (at: string) => Request][] = [
  [
    "generates a Deployment with a forged owner",
    "kyverno",
    (at) => post(group("apps/v1", at, "deployments"), ofDatabase(deployment("generated"))),
  ],
  [
    "generates a Pod with a forged owner",
    "kyverno",
    (at) => post(core(at, "pods"), ofDatabase(pod("generated"))),
  ],
  [
    "generates a Job with a forged owner",
    "kyverno",
    (at) => post(group("batch/v1", at, "jobs"), ofDatabase(job("generated"))),
  ],
  [
    "creates a Pod with a forged owner from a template",
    "externalSecrets",
    (at) => post(core(at, "pods"), ofDatabase(pod("templated"))),
  ],
  [
    "creates a Deployment for a database",
    "cloudNativePg",
    (at) => post(group("apps/v1", at, "deployments"), ofDatabase(deployment("pooler"))),
  ],
  ["runs a Pod without an owner", "cloudNativePg", (at) => post(core(at, "pods"), pod("ownerless"))],
  [
    "runs a Pod whose owner does not control it",
    "cloudNativePg",
    (at) => post(core(at, "pods"), ofDatabase(pod("loose"), { controller: false })),
  ],
  [
    "runs a Pod that a Deployment controls",
    "cloudNativePg",
    (at) => post(core(at, "pods"), ofDatabase(pod("adopted"), { apiVersion: "apps/v1" })),
  ],
  [
    "changes the image of a Pod in place",
    "cloudNativePg",
    (at) => strategicPatch(core(at, "pods/app-0"), { spec: { containers } }),
  ],
];

/** Attempts to bypass EnvironmentPolicies through the pipeline and listed controllers. */
export const ENVIRONMENT_CONTROLLER_ATTEMPTS: readonly Attempt[] = [
  ...asPipeline.map(([title, metadata, expected]) =>
    on(
      `installs ${title}`,
      "acmePipeline",
      post(
        group("apps/v1", "acme-stg", "deployments"),
        withMetadata(deployment("piped"), { annotations: metadata }),
      ),
      expected,
    ),
  ),
  on(
    "installs outside the window with all evidence",
    "acmePipeline",
    post(
      group("apps/v1", "acme-uat", "deployments"),
      withMetadata(deployment("piped"), { annotations: evidence() }),
    ),
    "environment-window",
  ),
  ...PIPELINE_REPLAYS,
  ...ENVIRONMENTS.flatMap(([at, expected]) =>
    CONTROLLER_ATTEMPTS.map(([title, by, request]) =>
      on(
        `${title} in ${at} against its policy`,
        by,
        request(at),
        by === "cloudNativePg" ? expected : "organization-namespace",
      ),
    ),
  ),
  on(
    "runs a Pod with a forged owner outside the window",
    "amal",
    post(core("acme-uat", "pods"), ofDatabase(pod("forged"))),
    "environment-window",
  ),
];
