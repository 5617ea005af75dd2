import type { Artifact } from "../../admission/rules/fact.ts";
import type { IdentityLists } from "../../admission/rules/identity.ts";
import { placeOfNamespace } from "../../admission/rules/place.ts";
import { findPodSpecs, imagesOf } from "../../admission/rules/pod-template.ts";
import { type KubernetesObject, mapOf } from "../../api/object.ts";

/** A field of an installed object that names an artifact. */
export interface InstalledArtifact {
  path: string;
  artifact: Artifact;
}

/** Whether admission judges what is installed in a namespace. In the other places only the platform installs. */
export function isJudgedNamespace({ metadata }: KubernetesObject, lists: IdentityLists): boolean {
  const { kind } = placeOfNamespace(metadata.name, metadata.labels ?? {}, lists);
  return kind === "organization" || kind === "environment" || kind === "ordinary";
}

/** The artifacts that a Pod or an OCIRepository names. */
export function installedArtifacts(object: KubernetesObject): InstalledArtifact[] {
  if (object.kind === "OCIRepository") {
    const { url, ref } = mapOf((object as { spec?: unknown }).spec);
    const reference = `${String(url ?? "")}@${String(mapOf(ref).digest ?? "")}`;
    return [{ path: "spec.ref.digest", artifact: { reference, use: { kind: "chart" } } }];
  }
  const search = findPodSpecs(object);
  if (search.kind !== "found") return [];
  return search.specs
    .flatMap(imagesOf)
    .map(({ path, image }) => ({ path, artifact: { reference: image, use: { kind: "image" } } }));
}
