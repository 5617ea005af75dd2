import { isMap, listOf, mapOf, textOf } from "../../api/object.ts";
import type { Artifact, ArtifactField, ClusterFacts, Violation } from "./fact.ts";
import { type AdmissionInput, isAbout, objectPath, storesObject } from "./request.ts";

// Kinds that install software without a Pod that a person writes.

export const OCI_REPOSITORY = { group: "source.toolkit.fluxcd.io", resource: "ocirepositories" };
export const HELM_RELEASE = { group: "helm.toolkit.fluxcd.io", resource: "helmreleases" };

/**
 * API groups of installers. Only the platform may write a whole group, apart from the kinds that have a rule, so that a new
 * kind or version cannot be used unnoticed. A group that begins with a dot stands for every group that ends in it.
 */
export const INSTALLER_GROUPS: readonly string[] = [
  // Flux, its operator, and OpenTofu under Flux
  ".fluxcd.io",
  "fluxcd.controlplane.io",
  // Argo CD, Argo Workflows and Rollouts
  "argoproj.io",
  // Crossplane and its providers
  ".crossplane.io",
  ".upbound.io",
  // Carvel
  ".carvel.dev",
  ".k14s.io",
  // Fleet, Rancher, k3s and their Helm controllers
  ".cattle.io",
  // Operator Lifecycle Manager
  "operators.coreos.com",
  "olm.operatorframework.io",
  // Helm and Kustomize operators, the Terraform and OpenTofu operators
  "charts.helm.k8s.io",
  "app.terraform.io",
  ".opentofu.org",
  "kustomize.config.k8s.io",
  // Cluster API's Helm add-on provider, Kapitan's and KubeVela's applications
  "addons.cluster.x-k8s.io",
  "core.oam.dev",
  "terraform.core.oam.dev",
  // Sveltos, Karmada and Open Cluster Management
  ".projectsveltos.io",
  ".karmada.io",
  ".open-cluster-management.io",
  // Config Sync, kluctl, Glasskube and Pulumi
  "configsync.gke.io",
  "gitops.kluctl.io",
  "packages.glasskube.dev",
  "pulumi.com",
  ".pulumi.com",
  "tf.galleybytes.com",
  // Operators that install manifests from the address in an object: of Cluster API and of Knative
  "operator.cluster.x-k8s.io",
  "operator.knative.dev",
  // Istio's plugins, whose code proxies fetch from a registry
  "extensions.istio.io",
];

/** Whether the group is an installer's. */
export const isInstallerGroup = (group: string): boolean =>
  INSTALLER_GROUPS.some((entry) => (entry.startsWith(".") ? group.endsWith(entry) : group === entry));

const isOpenKind = (input: AdmissionInput) => isAbout(input, OCI_REPOSITORY) || isAbout(input, HELM_RELEASE);

/**
 * Users other than the platform may write only two kinds of installers: OCIRepositories and HelmReleases, without their
 * status.
 */
export const installSourceRule = (input: AdmissionInput): Violation[] =>
  isInstallerGroup(input.group) && !isOpenKind(input)
    ? [
        {
          rule: "install-source",
          path: objectPath(input),
          message: `only the platform may use ${input.resource}; install with a HelmRelease and an OCIRepository that names a digest`,
        },
      ]
    : [];

/** The Secret with the platform's keys, which Flux may check as well. */
const PLATFORM_VERIFICATION = "catalyst-trust";

/** An OCIRepository must name a digest, so that exactly the verified artifact is installed. */
export const ociRepositoryRule = (input: AdmissionInput): Violation[] => {
  if (!isAbout(input, OCI_REPOSITORY) || input.operation === "DELETE") return [];
  const { url, ref, insecure, ignore, verify } = mapOf(input.object?.spec);
  const digest = mapOf(ref).digest;
  const found: Violation[] = [];
  if (typeof url !== "string" || !url.startsWith("oci://"))
    found.push({
      rule: "oci-repository-digest",
      path: "spec.url",
      message: "the address must name an OCI repository; write oci://registry/repository",
    });
  if (typeof digest !== "string" || !/^sha256:[a-f0-9]{64}$/.test(digest))
    found.push({
      rule: "oci-repository-digest",
      path: "spec.ref.digest",
      message: "the artifact must be pinned by digest; set this field to sha256:<64 hex>",
    });
  if (insecure === true)
    found.push({
      rule: "oci-repository-insecure",
      path: "spec.insecure",
      message: "artifacts must be fetched over TLS; remove this field",
    });
  if (ignore !== undefined)
    found.push({
      rule: "oci-repository-ignore",
      path: "spec.ignore",
      message: "Flux must install the whole signed artifact; remove this field",
    });
  const secret = mapOf(mapOf(verify).secretRef).name;
  if (verify !== undefined && secret !== PLATFORM_VERIFICATION)
    found.push({
      rule: "oci-repository-verify",
      path: "spec.verify",
      message: `admission verifies the signature, and Flux may do so only with the platform's own keys; remove this field, or set secretRef.name to ${PLATFORM_VERIFICATION}`,
    });
  return found;
};

/** Fields of a HelmRelease that would install something other than the signed chart, elsewhere or unseen. */
export const FORBIDDEN_FIELDS: Record<string, string> = {
  chart: "the chart must come from an OCIRepository; use spec.chartRef instead",
  kubeConfig: "a HelmRelease may install only into its own cluster; remove this field",
  postRenderers: "post-renderers change what the signed chart installs; remove this field",
  valuesFrom: "values from Secrets and ConfigMaps change without being reviewed; write them in spec.values",
  commonMetadata: "common metadata would change labels and annotations of every object; remove this field",
};

/**
 * A HelmRelease may install a signed chart, unchanged, into its own namespace. It runs as a ServiceAccount of that
 * namespace, so that admission judges each object that the chart makes.
 */
export function helmReleaseRule(
  input: AdmissionInput,
  { chartSource }: Pick<ClusterFacts, "chartSource">,
): Violation[] {
  if (!isHelmReleaseWrite(input)) return [];
  const spec = mapOf(input.object?.spec);
  const found: Violation[] = [];
  const deny = (path: string, message: string) =>
    void found.push({ rule: "helm-release", path: `spec.${path}`, message });
  const isForeign = (namespace: unknown) => namespace !== undefined && namespace !== input.namespace;
  const chartRef = isMap(spec.chartRef) ? spec.chartRef : undefined;
  if (chartRef?.kind !== "OCIRepository")
    deny("chartRef", "the chart must come from an OCIRepository; set kind to OCIRepository, and its name");
  if (isForeign(chartRef?.namespace))
    deny(
      "chartRef.namespace",
      `the OCIRepository must be in namespace ${input.namespace}; remove this field`,
    );
  if (chartSource !== undefined && typeof digestOf(chartSource) !== "string")
    deny(
      "chartRef.name",
      "the OCIRepository must name its artifact by digest; set its spec.ref.digest to sha256:<64 hex>",
    );
  listOf(spec.dependsOn).forEach((release, index) => {
    if (isForeign(mapOf(release).namespace))
      deny(
        `dependsOn[${index}].namespace`,
        `the release must be in namespace ${input.namespace}; remove this field`,
      );
  });
  if (typeof spec.serviceAccountName !== "string" || spec.serviceAccountName === "")
    deny(
      "serviceAccountName",
      `the release must run as a ServiceAccount of namespace ${input.namespace}; set this field to its name`,
    );
  for (const name of ["targetNamespace", "storageNamespace"])
    if (isForeign(spec[name]))
      deny(name, `a release must stay in namespace ${input.namespace}; remove this field`);
  for (const [name, message] of Object.entries(FORBIDDEN_FIELDS))
    if (spec[name] !== undefined) deny(name, message);
  for (const phase of ["install", "upgrade"]) {
    const { crds } = mapOf(spec[phase]);
    if (crds === "CreateReplace")
      deny(`${phase}.crds`, "only the platform replaces CustomResourceDefinitions; set this field to Skip");
  }
  return found;
}

const isHelmReleaseWrite = (input: AdmissionInput): boolean =>
  isAbout(input, HELM_RELEASE) && storesObject(input);

/** The name of the OCIRepository from which a HelmRelease takes its chart; undefined for other requests. */
export function chartSourceName(input: AdmissionInput): string | undefined {
  const { chartRef } = mapOf(input.object?.spec);
  return isHelmReleaseWrite(input) && isMap(chartRef) && typeof chartRef.name === "string"
    ? chartRef.name
    : undefined;
}

const specOf = (repository: object | undefined) => mapOf(mapOf(repository).spec);
const digestOf = (repository: object | undefined): unknown => mapOf(specOf(repository).ref).digest;

/** The artifact that an OCIRepository names, pinned or not. */
export const chartOf = (repository: object | undefined): Artifact => ({
  reference: `${textOf(specOf(repository).url ?? "")}@${textOf(digestOf(repository) ?? "")}`,
  use: { kind: "chart" },
});

/** The artifact that a request about an OCIRepository names. */
export function ociRepositoryArtifacts(input: AdmissionInput): ArtifactField[] {
  if (!isAbout(input, OCI_REPOSITORY) || input.operation === "DELETE") return [];
  return [{ artifact: chartOf(input.object), path: "spec.ref.digest", rule: "oci-repository-signature" }];
}

/**
 * Checks the chart of a HelmRelease again, because its OCIRepository may be older than admission or than the current trust.
 * If the OCIRepository does not exist yet, its chart is checked when it is created.
 */
export function helmReleaseArtifacts(input: AdmissionInput, { chartSource }: ClusterFacts): ArtifactField[] {
  if (!isHelmReleaseWrite(input) || chartSource === undefined) return [];
  return [{ artifact: chartOf(chartSource), path: "spec.chartRef.name", rule: "oci-repository-signature" }];
}
