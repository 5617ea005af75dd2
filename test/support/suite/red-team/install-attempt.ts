import { type Attempt, apply, cluster, group, mergePatch, on, post } from "./attempt.ts";
import { PLATFORM_INSTALLERS } from "./kind.ts";
import {
  CHART_ARTIFACT,
  helmRelease,
  named,
  ociRepository,
  PRIVATE_ARTIFACT,
  REGISTRY,
  UNSIGNED_ARTIFACT,
} from "./object.ts";
import type { Person } from "./person.ts";

const OCI = "source.toolkit.fluxcd.io/v1";
const HELM = "helm.toolkit.fluxcd.io/v2";
/** An ordinary namespace, and an environment with one of its members. */
const HOMES: readonly [Person, string][] = [
  ["stranger", "shop"],
  ["amal", "acme-prod"],
];

const INSTALLERS: readonly Attempt[] = [
  ...PLATFORM_INSTALLERS.flatMap(({ kind, plural, group: apiGroup, version }) =>
    HOMES.map(([by, at]) =>
      on(
        `installs by a ${kind} of ${apiGroup} in ${at}`,
        by,
        post(
          group(`${apiGroup}/${version}`, at, plural),
          named(`${apiGroup}/${version}`, kind, "mine", { spec: {} }),
        ),
        "install-source",
      ),
    ),
  ),
  on(
    "installs a Crossplane provider",
    "omantel",
    post(
      cluster("pkg.crossplane.io/v1", "providers"),
      named("pkg.crossplane.io/v1", "Provider", "mine", { spec: { package: "x" } }),
    ),
    "install-source",
  ),
  ...HOMES.map(([by, at]) =>
    on(
      `forges the artifact of an OCIRepository in ${at}`,
      by,
      mergePatch(group(OCI, at, "ocirepositories/shop/status"), {
        status: { artifact: { url: "http://evil" } },
      }),
      "install-source",
    ),
  ),
];

const repositories: readonly [string, object, Attempt["expected"]][] = [
  ["by tag", { ref: { tag: "latest" } }, "oci-repository-digest"],
  ["by version range", { ref: { semver: "*" } }, "oci-repository-digest"],
  ["without a reference", { ref: undefined }, "oci-repository-digest"],
  ["with a short digest", { ref: { digest: "sha256:abc" } }, "oci-repository-digest"],
  ["of an address that is not OCI", { url: `https://${REGISTRY}/shop` }, "oci-repository-digest"],
  ["over plain HTTP", { insecure: true }, "oci-repository-insecure"],
  ["of which files are left out", { ignore: "templates/network-policy.yaml" }, "oci-repository-ignore"],
  [
    "verified by a key of its own",
    { verify: { provider: "cosign", secretRef: { name: "mine" } } },
    "oci-repository-verify",
  ],
  ["verified keyless by Flux", { verify: { provider: "cosign" } }, "oci-repository-verify"],
  [
    "of an unsigned artifact",
    { url: `oci://${REGISTRY}/${UNSIGNED_ARTIFACT.repository}`, ref: { digest: UNSIGNED_ARTIFACT.digest } },
    "oci-repository-signature",
  ],
  [
    "of a signed digest in another repository",
    { url: `oci://${REGISTRY}/${UNSIGNED_ARTIFACT.repository}`, ref: { digest: CHART_ARTIFACT.digest } },
    "oci-repository-signature",
  ],
  [
    "of another registry",
    { url: `oci://127.0.0.1:9/${CHART_ARTIFACT.repository}`, ref: { digest: CHART_ARTIFACT.digest } },
    "oci-repository-signature",
  ],
  [
    "that leaves its registry's folder",
    { url: `oci://${REGISTRY}/blueprints/../shop`, ref: { digest: CHART_ARTIFACT.digest } },
    "oci-repository-signature",
  ],
];

const releases: readonly [string, object][] = [
  ["without a ServiceAccount", { serviceAccountName: undefined }],
  ["of a HelmChart", { chartRef: { kind: "HelmChart", name: "shop" } }],
  ["of an inline chart", { chartRef: undefined, chart: { spec: { chart: "x" } } }],
  [
    "of an OCIRepository elsewhere",
    { chartRef: { kind: "OCIRepository", name: "x", namespace: "flux-system" } },
  ],
  ["of a Bucket", { chartRef: { kind: "Bucket", name: "shop" } }],
  ["of an artifact of another controller", { chartRef: { kind: "ExternalArtifact", name: "shop" } }],
  ["that waits for one of another namespace", { dependsOn: [{ name: "app", namespace: "globex-prod" }] }],
  ["of an OCIRepository that names a tag", { chartRef: { kind: "OCIRepository", name: "earlier-tag" } }],
  ["into another namespace", { targetNamespace: "kube-system" }],
  ["stored in another namespace", { storageNamespace: "kube-system" }],
  ["into another cluster", { kubeConfig: { secretRef: { name: "hub" } } }],
  ["with post-renderers", { postRenderers: [{ kustomize: { images: [] } }] }],
  ["with values of a Secret", { valuesFrom: [{ kind: "Secret", name: "credentials" }] }],
  ["with metadata for all objects", { commonMetadata: { labels: { a: "b" } } }],
  ["that replaces definitions at install", { install: { crds: "CreateReplace" } }],
  ["that replaces definitions at upgrade", { upgrade: { crds: "CreateReplace" } }],
];

const FLUX: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...repositories.map(([title, spec, rule]) =>
    on(
      `creates an OCIRepository ${title} in ${at}`,
      by,
      post(group(OCI, at, "ocirepositories"), ociRepository("mine", spec as Record<string, unknown>)),
      rule,
    ),
  ),
  on(
    `unpins an OCIRepository in ${at}`,
    by,
    mergePatch(group(OCI, at, "ocirepositories/shop"), { spec: { ref: { digest: null, tag: "latest" } } }),
    "oci-repository-digest",
  ),
  on(
    `moves an OCIRepository to an unsigned artifact by server-side apply in ${at}`,
    by,
    apply(
      group(OCI, at, "ocirepositories/shop"),
      ociRepository("shop", {
        url: `oci://${REGISTRY}/${UNSIGNED_ARTIFACT.repository}`,
        ref: { digest: UNSIGNED_ARTIFACT.digest },
      }),
    ),
    "oci-repository-signature",
  ),
  on(
    `installs an unsigned chart that was there before admission in ${at}`,
    by,
    post(
      group(HELM, at, "helmreleases"),
      helmRelease("mine", { chartRef: { kind: "OCIRepository", name: "earlier-unsigned" } }),
    ),
    "oci-repository-signature",
  ),
  ...releases.map(([title, spec]) =>
    on(
      `creates a HelmRelease ${title} in ${at}`,
      by,
      post(group(HELM, at, "helmreleases"), helmRelease("mine", spec as Record<string, unknown>)),
      "helm-release",
    ),
  ),
]);

const OTHER_CHART = on(
  "installs a chart of Franchise omantel in an ordinary namespace",
  "stranger",
  post(
    group(OCI, "shop", "ocirepositories"),
    ociRepository("foreign", {
      url: `oci://${REGISTRY}/${PRIVATE_ARTIFACT.repository}`,
      ref: { digest: PRIVATE_ARTIFACT.digest },
    }),
  ),
  "oci-repository-signature",
);

export const INSTALL_ATTEMPTS: readonly Attempt[] = [...INSTALLERS, ...FLUX, OTHER_CHART];
