import type { ArtifactField, Rule } from "./fact.ts";
import { surveyOf } from "./object-survey.ts";
import { imagesOf } from "./pod-template.ts";
import { parseReference } from "./reference.ts";
import { type AdmissionInput, storesObject } from "./request.ts";

/** Kinds with a Pod template, and the subresource that adds containers, by API group. The webhook is called for these. */
export const WORKLOADS: Record<string, string[]> = {
  "": ["pods", "pods/ephemeralcontainers", "replicationcontrollers", "podtemplates"],
  apps: ["deployments", "daemonsets", "statefulsets", "replicasets"],
  batch: ["jobs", "cronjobs"],
};

/** The images of all Pod specifications in an object of any kind. */
export const imagesIn = (object: unknown): { path: string; image: string }[] =>
  surveyOf(object).podSpecs.flatMap(imagesOf);

/** The images that a request adds. Unchanged images were checked before. */
function changedImages(input: AdmissionInput): { path: string; image: string }[] {
  if (!storesObject(input)) return [];
  const images = imagesIn(input.object);
  if (images.length === 0) return [];
  const known = new Set(imagesIn(input.oldObject).map(({ path, image }) => `${path} ${image}`));
  return images.filter(({ path, image }) => !known.has(`${path} ${image}`));
}

/** An image must be pinned by digest: a tag can name another image tomorrow. */
export const imageDigestRule: Rule = (input) =>
  changedImages(input).flatMap(({ path, image }) => {
    const reference = parseReference(image);
    return reference.kind === "invalid" ? [{ rule: "image-digest", path, message: reference.problem }] : [];
  });

/** The images that a request adds, in a Pod specification of any kind. */
export function imageArtifacts(input: AdmissionInput): ArtifactField[] {
  return changedImages(input).map(({ path, image }) => ({
    artifact: { reference: image, use: { kind: "image" } },
    path,
    rule: "image-signature",
  }));
}
