import { type Attempt, apply, core, group, on, onReal, post, strategicPatch } from "./attempt.ts";
import {
  cronJob,
  daemonSet,
  deployment,
  job,
  named,
  PRIVATE_ARTIFACT,
  pod,
  podSpec,
  REGISTRY,
  replicaSet,
  SIGNED,
  statefulSet,
  TAGGED,
  UNSIGNED,
  widget,
} from "./object.ts";

const WORKLOADS = [
  ["Pod", "/api/v1", "pods", pod],
  ["Deployment", "/apis/apps/v1", "deployments", deployment],
  ["DaemonSet", "/apis/apps/v1", "daemonsets", daemonSet],
  ["StatefulSet", "/apis/apps/v1", "statefulsets", statefulSet],
  ["ReplicaSet", "/apis/apps/v1", "replicasets", replicaSet],
  ["Job", "/apis/batch/v1", "jobs", job],
  ["CronJob", "/apis/batch/v1", "cronjobs", cronJob],
] as const;

const IMAGES: readonly [string, string, Attempt["expected"]][] = [
  ["by tag", TAGGED, "image-digest"],
  ["without a registry, by tag", "nginx", "image-digest"],
  ["without a signature", UNSIGNED, "image-signature"],
  ["at another digest", SIGNED.replace(/.{4}$/, "0000"), "image-signature"],
  ["of another repository", SIGNED.replace("/catalyst@", "/catalyst-copy@"), "image-signature"],
  ["through a parent folder", SIGNED.replace("/catalyst@", "/x/../catalyst@"), "image-digest"],
  ["in upper case", SIGNED.replace("/catalyst@", "/Catalyst@"), "image-digest"],
  [
    "of Franchise omantel",
    `${REGISTRY}/${PRIVATE_ARTIFACT.repository}@${PRIVATE_ARTIFACT.digest}`,
    "image-signature",
  ],
];

const inShop = (path: string, plural: string) => `${path}/namespaces/shop/${plural}`;

export const IMAGE_ATTEMPTS: readonly Attempt[] = [
  ...WORKLOADS.flatMap(([kind, path, plural, make]) =>
    IMAGES.map(([title, image, rule]) =>
      on(
        `runs a ${kind} with an image ${title}`,
        "omantel",
        post(inShop(path, plural), make("evil", image)),
        rule,
      ),
    ),
  ),
  on(
    "runs an unsigned image as an init container",
    "stranger",
    post(core("shop", "pods"), pod("evil", SIGNED, { initContainers: [{ name: "init", image: UNSIGNED }] })),
    "image-signature",
  ),
  on(
    "changes the image of a Pod",
    "stranger",
    strategicPatch(core("shop", "pods/app-0"), { spec: { containers: [{ name: "app", image: TAGGED }] } }),
    "image-digest",
  ),
  on(
    "changes the image of a Deployment by server-side apply",
    "stranger",
    apply("/apis/apps/v1/namespaces/shop/deployments/app", deployment("app", UNSIGNED)),
    "image-signature",
  ),
  on(
    "creates a Pod under a generated name with an unsigned image",
    "stranger",
    post(core("shop", "pods"), { ...pod(""), metadata: { generateName: "evil-" }, spec: podSpec(UNSIGNED) }),
    "image-signature",
  ),
  on(
    "mounts an unsigned image as a volume",
    "stranger",
    post(
      core("shop", "pods"),
      pod("evil", SIGNED, { volumes: [{ name: "image", image: { reference: UNSIGNED } }] }),
    ),
    "image-signature",
  ),
  on(
    "mounts an image by tag as a volume",
    "stranger",
    post(
      core("shop", "pods"),
      pod("evil", SIGNED, { volumes: [{ name: "image", image: { reference: TAGGED } }] }),
    ),
    "image-digest",
  ),
  on(
    "runs an unsigned image in its environment",
    "amal",
    post(group("apps/v1", "acme-prod", "deployments"), deployment("evil", UNSIGNED)),
    "image-signature",
  ),
  on(
    "runs an unsigned image by the ServiceAccount of its environment",
    "acmeAccount",
    post(group("apps/v1", "acme-prod", "deployments"), deployment("evil", UNSIGNED)),
    "image-signature",
  ),
  on(
    "embeds an unsigned image in a custom kind in its environment",
    "amal",
    post(group("example.org/v1", "acme-prod", "widgets"), widget("evil", UNSIGNED)),
    "image-signature",
  ),
  on(
    "runs an unsigned image in an ordinary namespace",
    "certManager",
    post(core("shop", "pods"), pod("evil", UNSIGNED)),
    "image-signature",
  ),
  on(
    "runs an unsigned image in an ordinary namespace as a pipeline",
    "pipeline",
    post(core("shop", "pods"), pod("evil", UNSIGNED)),
    "image-signature",
  ),
  onReal(
    "adds an ephemeral container with an unsigned image",
    "stranger",
    strategicPatch(core("shop", "pods/app-0/ephemeralcontainers"), {
      spec: { ephemeralContainers: [{ name: "spy", image: UNSIGNED }] },
    }),
    "image-signature",
  ),
  onReal(
    "creates a PodTemplate with an unsigned image",
    "stranger",
    post(core("shop", "podtemplates"), {
      ...named("v1", "PodTemplate", "evil"),
      template: { spec: podSpec(UNSIGNED) },
    }),
    "image-signature",
  ),
  onReal(
    "creates a ReplicationController with an unsigned image",
    "stranger",
    post(
      core("shop", "replicationcontrollers"),
      named("v1", "ReplicationController", "evil", {
        spec: {
          selector: { app: "evil" },
          template: { metadata: { labels: { app: "evil" } }, spec: podSpec(UNSIGNED) },
        },
      }),
    ),
    "image-signature",
  ),
  onReal(
    "writes a ControllerRevision to roll back to",
    "stranger",
    post(group("apps/v1", "shop", "controllerrevisions"), {
      ...named("apps/v1", "ControllerRevision", "evil"),
      revision: 9,
      data: { spec: { template: { spec: podSpec(SIGNED) } } },
    }),
    "workload-revision",
  ),
];
