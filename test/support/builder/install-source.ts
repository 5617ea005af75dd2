export const DIGEST = `sha256:${"0a".repeat(32)}`;
export const OCI = { group: "source.toolkit.fluxcd.io", resource: "ocirepositories" };
export const HELM = { group: "helm.toolkit.fluxcd.io", resource: "helmreleases" };
export const repository = (spec: object) => ({
  kind: "OCIRepository",
  spec: { url: "oci://registry.test/shop", ...spec },
});
export const release = (spec: object = {}) => ({
  kind: "HelmRelease",
  spec: { chartRef: { kind: "OCIRepository", name: "shop" }, serviceAccountName: "deployer", ...spec },
});
export const NOT_PINNED = [
  "oci-repository-digest",
  "spec.ref.digest",
  "the artifact must be pinned by digest; set this field to sha256:<64 hex>",
] as const;
export const NO_CHART_REF = [
  "helm-release",
  "spec.chartRef",
  "the chart must come from an OCIRepository; set kind to OCIRepository, and its name",
] as const;
export const NO_ACCOUNT = [
  "helm-release",
  "spec.serviceAccountName",
  "the release must run as a ServiceAccount of namespace shop; set this field to its name",
] as const;
export const NO_URL = [
  "oci-repository-digest",
  "spec.url",
  "the address must name an OCI repository; write oci://registry/repository",
] as const;
export const VERIFY = [
  "oci-repository-verify",
  "spec.verify",
  "admission verifies the signature, and Flux may do so only with the platform's own keys; remove this field, or set secretRef.name to catalyst-trust",
] as const;
export const foreign = (field: string) =>
  ["helm-release", `spec.${field}`, "a release must stay in namespace shop; remove this field"] as const;
