import { isMap } from "../../api/object.ts";
import {
  type AdmissionInput,
  type ArtifactField,
  objectPath,
  type ReviewedObject,
  type Rule,
  type Violation,
} from "./input.ts";

// Kinds that install software without a Pod that a person writes.

const OCI_REPOSITORY = { group: "source.toolkit.fluxcd.io", resource: "ocirepositories" };
const HELM_RELEASE = { group: "helm.toolkit.fluxcd.io", resource: "helmreleases" };

/** Only the platform may use these, by API group: sources without signatures, and engines that install from them. */
const PLATFORM_INSTALL_SOURCES: Record<string, string[]> = {
  [OCI_REPOSITORY.group]: [
    "helmcharts",
    "helmrepositories",
    "gitrepositories",
    "buckets",
    "externalartifacts",
  ],
  "kustomize.toolkit.fluxcd.io": ["kustomizations"],
  "fluxcd.controlplane.io": ["resourcesets", "resourcesetinputproviders", "fluxinstances"],
  "argoproj.io": ["applications", "applicationsets", "appprojects"],
  "pkg.crossplane.io": [
    "providers",
    "configurations",
    "functions",
    "providerrevisions",
    "configurationrevisions",
    "functionrevisions",
  ],
};

/** Every install source that a rule checks, by API group. */
export const INSTALL_SOURCES: Record<string, string[]> = {
  ...PLATFORM_INSTALL_SOURCES,
  [OCI_REPOSITORY.group]: [
    ...(PLATFORM_INSTALL_SOURCES[OCI_REPOSITORY.group] ?? []),
    OCI_REPOSITORY.resource,
  ],
  [HELM_RELEASE.group]: [HELM_RELEASE.resource],
};

const isKind = ({ group, resource }: AdmissionInput, kind: { group: string; resource: string }) =>
  group === kind.group && resource === kind.resource;
const specOf = (object: ReviewedObject | undefined) => (isMap(object?.spec) ? object.spec : {});

export const installSourceRule: Rule = (input) =>
  PLATFORM_INSTALL_SOURCES[input.group]?.includes(input.resource)
    ? [
        {
          rule: "install-source",
          path: objectPath(input),
          message: `only the platform may use ${input.resource}: install with a HelmRelease and an OCIRepository that names a digest`,
        },
      ]
    : [];

/** An OCIRepository must name a digest, so that the artifact that was verified is the one that is installed. */
export const ociRepositoryRule: Rule = (input) => {
  if (!isKind(input, OCI_REPOSITORY) || input.operation === "DELETE") return [];
  const { ref, insecure } = specOf(input.object);
  const digest = isMap(ref) ? ref.digest : undefined;
  const found: Violation[] = [];
  if (typeof digest !== "string" || !/^sha256:[a-f0-9]{64}$/.test(digest))
    found.push({
      rule: "oci-repository-digest",
      path: "spec.ref.digest",
      message: "the artifact must be pinned by digest: set this field to sha256:<64 hex>",
    });
  if (insecure === true)
    found.push({
      rule: "oci-repository-insecure",
      path: "spec.insecure",
      message: "artifacts must be fetched over TLS: remove this field",
    });
  return found;
};

/** Fields of a HelmRelease that would install something other than the signed chart, elsewhere or as another identity. */
const FORBIDDEN_FIELDS: Record<string, string> = {
  chart: "the chart must come from an OCIRepository: use spec.chartRef instead",
  kubeConfig: "a HelmRelease may install only into its own cluster: remove this field",
  serviceAccountName: "a HelmRelease may not run as another identity: remove this field",
  postRenderers: "post-renderers change what the signed chart installs: remove this field",
};

/** A HelmRelease may install a signed chart, unchanged, into its own namespace. */
export const helmReleaseRule: Rule = (input) => {
  if (!isKind(input, HELM_RELEASE) || input.operation === "DELETE") return [];
  const spec = specOf(input.object);
  const found: Violation[] = [];
  const deny = (path: string, message: string) =>
    void found.push({ rule: "helm-release", path: `spec.${path}`, message });
  const isForeign = (namespace: unknown) => namespace !== undefined && namespace !== input.namespace;
  const chartRef = isMap(spec.chartRef) ? spec.chartRef : undefined;
  if (chartRef?.kind !== "OCIRepository")
    deny("chartRef", "the chart must come from an OCIRepository: set kind to OCIRepository, and its name");
  if (isForeign(chartRef?.namespace))
    deny(
      "chartRef.namespace",
      `the OCIRepository must be in namespace ${input.namespace}: remove this field`,
    );
  for (const name of ["targetNamespace", "storageNamespace"])
    if (isForeign(spec[name]))
      deny(
        name,
        `a HelmRelease may install only into its own namespace ${input.namespace}: remove this field`,
      );
  for (const [name, message] of Object.entries(FORBIDDEN_FIELDS))
    if (spec[name] !== undefined) deny(name, message);
  for (const path of imageChoices(spec.values, "values"))
    deny(path, "values may not choose images, because the signature covers only the chart's own: remove it");
  return found;
};

/** Paths of the values by which charts usually choose other images. */
function imageChoices(values: unknown, path: string): string[] {
  if (Array.isArray(values)) return values.flatMap((item, index) => imageChoices(item, `${path}[${index}]`));
  if (!isMap(values)) return [];
  return Object.entries(values).flatMap(([name, member]) =>
    /image|repository|registry|digest|^tag$/i.test(name)
      ? [`${path}.${name}`]
      : imageChoices(member, `${path}.${name}`),
  );
}

/** The artifact that an OCIRepository names. */
export function ociRepositoryArtifacts(input: AdmissionInput): ArtifactField[] {
  if (!isKind(input, OCI_REPOSITORY) || input.operation === "DELETE") return [];
  const { url, ref } = specOf(input.object);
  const digest = isMap(ref) ? ref.digest : "";
  return [
    {
      artifact: { reference: `${String(url ?? "")}@${digest}`, use: { kind: "chart" } },
      path: "spec.ref.digest",
      rule: "oci-repository-signature",
    },
  ];
}
