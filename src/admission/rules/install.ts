import { isMap, mapOf } from "../../api/object.ts";
import { changedPaths } from "./change.ts";
import { HELM_RELEASE, OCI_REPOSITORY, ociRepositoryArtifacts } from "./install-source.ts";
import { parseArtifactReference } from "./reference.ts";
import { type AdmissionInput, isAbout, storesObject } from "./request.ts";
import { imageArtifacts, imagesIn } from "./workload-image.ts";

/**
 * The artifacts that a request installs or replaces. A request that changes no artifact, such as the scale or a label,
 * installs nothing.
 */
export type Install =
  /** Images of a Pod specification in an object of any kind. */
  | { kind: "workload"; artifacts: InstalledArtifact[] }
  /** An OCIRepository: the artifact of a Blueprint. */
  | { kind: "chart"; artifacts: InstalledArtifact[] }
  /** A HelmRelease. The digest of its chart is in the OCIRepository that it names. */
  | { kind: "release"; path: string; repository: string };

export interface InstalledArtifact {
  /** The field that names it. */
  path: string;
  /** `sha256:<64 hex>` */
  digest: string;
}

/** The interval and the suspension of Flux change nothing about the installed artifact. */
const OPERATING_FIELDS = ["interval", "timeout", "suspend"];

/**
 * The install of a request that the rules permit; undefined when it installs nothing. Artifacts that the object had before
 * are left out.
 */
export function installOf(input: AdmissionInput): Install | undefined {
  if (!storesObject(input)) return undefined;
  if (isAbout(input, OCI_REPOSITORY))
    return changedSpecPaths(input).length === 0
      ? undefined
      : { kind: "chart", artifacts: ociRepositoryArtifacts(input).map(installed) };
  if (isAbout(input, HELM_RELEASE)) {
    const [path] = changedSpecPaths(input);
    const { chartRef } = mapOf(input.object?.spec);
    return path === undefined
      ? undefined
      : { kind: "release", path, repository: isMap(chartRef) ? String(chartRef.name) : "" };
  }
  const known = new Set(imagesIn(input.oldObject).map(({ image }) => image));
  const artifacts = imageArtifacts(input).filter(({ artifact }) => !known.has(artifact.reference));
  return artifacts.length === 0
    ? undefined
    : { kind: "workload", artifacts: withDistinctDigests(artifacts.map(installed)) };
}

/** The first of the artifacts with each digest. */
function withDistinctDigests(artifacts: readonly InstalledArtifact[]): InstalledArtifact[] {
  const first = new Map<string, InstalledArtifact>();
  for (const artifact of artifacts) if (!first.has(artifact.digest)) first.set(artifact.digest, artifact);
  return [...first.values()];
}

function changedSpecPaths({ object, oldObject }: AdmissionInput): string[] {
  return changedPaths(mapOf(oldObject?.spec), mapOf(object?.spec), "spec").filter(
    (path) => !OPERATING_FIELDS.some((field) => path === `spec.${field}`),
  );
}

/** The rules have refused references that do not parse. */
function installed({ artifact, path }: { artifact: { reference: string }; path: string }): InstalledArtifact {
  const reference = parseArtifactReference(artifact.reference);
  return { path, digest: reference.kind === "pinned" ? reference.digest : "" };
}
