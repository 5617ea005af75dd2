import { isMap } from "../../api/object.ts";
import type { AdmissionInput, ReviewedObject, Rule, SignatureDemand, Violation } from "./input.ts";

// Roads by which software reaches a cluster without a Pod being written by hand.

const PLATFORM_ROADS: Record<string, string[]> = {
  "source.toolkit.fluxcd.io": [
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
const OCI_REPOSITORY = { group: "source.toolkit.fluxcd.io", resource: "ocirepositories" };
const HELM_RELEASE = { group: "helm.toolkit.fluxcd.io", resource: "helmreleases" };

export const ROAD_RESOURCES: Record<string, string[]> = {
  ...PLATFORM_ROADS,
  [OCI_REPOSITORY.group]: [...(PLATFORM_ROADS[OCI_REPOSITORY.group] ?? []), OCI_REPOSITORY.resource],
  [HELM_RELEASE.group]: [HELM_RELEASE.resource],
};

const isKind = ({ group, resource }: AdmissionInput, kind: { group: string; resource: string }) =>
  group === kind.group && resource === kind.resource;
const specOf = (object: ReviewedObject | undefined) => (isMap(object?.spec) ? object.spec : {});

/** Sources without signatures, and engines that install from them, are the platform's. */
export const platformRoadRule: Rule = (input) =>
  PLATFORM_ROADS[input.group]?.includes(input.resource)
    ? [
        {
          rule: "install-road",
          path: `${input.resource}/${input.name}`,
          message: `${input.resource} are the platform's: install by an OCIRepository with a digest and a HelmRelease`,
        },
      ]
    : [];

/** An OCIRepository names a digest; its own verification may only be the platform's. */
export const ociRepositoryRule: Rule = (input) => {
  if (!isKind(input, OCI_REPOSITORY) || input.operation === "DELETE") return [];
  const spec = specOf(input.object);
  const ref = isMap(spec.ref) ? spec.ref : {};
  const digest = typeof ref.digest === "string" && /^sha256:[a-f0-9]{64}$/.test(ref.digest);
  const found: Violation[] = digest
    ? []
    : [
        {
          rule: "oci-repository-digest",
          path: "spec.ref.digest",
          message: "the artifact is not pinned: set ref.digest to sha256:<64 hex>",
        },
      ];
  if (spec.insecure === true)
    found.push({
      rule: "oci-repository-insecure",
      path: "spec.insecure",
      message: "plain HTTP is not for artifacts: remove it",
    });
  return found;
};

/** A HelmRelease installs a signed chart into its own namespace, as nobody else and unchanged. */
export const helmReleaseRule: Rule = (input) => {
  if (!isKind(input, HELM_RELEASE) || input.operation === "DELETE") return [];
  const spec = specOf(input.object);
  const refuse = (path: string, message: string): Violation => ({
    rule: "helm-release",
    path: `spec.${path}`,
    message,
  });
  const chartRef = isMap(spec.chartRef) ? spec.chartRef : undefined;
  const isForeign = (namespace: unknown) => namespace !== undefined && namespace !== input.namespace;
  return [
    ...(chartRef?.kind === "OCIRepository"
      ? []
      : [refuse("chartRef", "a chart comes by chartRef to an OCIRepository: set it")]),
    ...(isForeign(chartRef?.namespace)
      ? [refuse("chartRef.namespace", `the OCIRepository lies in ${input.namespace}: leave it out`)]
      : []),
    ...(isForeign(spec.targetNamespace)
      ? [refuse("targetNamespace", `a release stays in ${input.namespace}: leave it out`)]
      : []),
    ...(isForeign(spec.storageNamespace)
      ? [refuse("storageNamespace", `a release stays in ${input.namespace}: leave it out`)]
      : []),
    ...["chart", "kubeConfig", "serviceAccountName", "postRenderers"]
      .filter((name) => spec[name] !== undefined)
      .map((name) => refuse(name, `${name} would go around the signature: leave it out`)),
    ...imageSwaps(spec.values, "values").map((path) =>
      refuse(path, "values must not choose images: they are the chart's"),
    ),
  ];
};

/** Members of values by which charts take other images. */
function imageSwaps(values: unknown, path: string): string[] {
  if (Array.isArray(values)) return values.flatMap((item, index) => imageSwaps(item, `${path}[${index}]`));
  if (!isMap(values)) return [];
  return Object.entries(values).flatMap(([name, member]) =>
    /image|repository|registry|digest|^tag$/i.test(name)
      ? [`${path}.${name}`]
      : imageSwaps(member, `${path}.${name}`),
  );
}

export function ociRepositorySignatures(input: AdmissionInput): SignatureDemand[] {
  if (!isKind(input, OCI_REPOSITORY) || input.operation === "DELETE") return [];
  const { url, ref } = specOf(input.object);
  const digest = isMap(ref) ? ref.digest : "";
  return [
    {
      reference: `${String(url ?? "").replace(/^oci:\/\//, "")}@${digest}`,
      path: "spec.ref.digest",
      rule: "oci-repository-signature",
      byFranchise: true,
    },
  ];
}
