import { isMap } from "../../api/object.ts";
import type { AdmissionInput, ArtifactField, ReviewedObject, Rule } from "./input.ts";
import { parseReference } from "./reference.ts";

/** Kinds with a Pod template, and the subresource that adds containers, by API group. The webhook is called for these. */
export const WORKLOADS: Record<string, string[]> = {
  "": ["pods", "pods/ephemeralcontainers", "replicationcontrollers"],
  apps: ["deployments", "daemonsets", "statefulsets", "replicasets"],
  batch: ["jobs", "cronjobs"],
};
const CONTAINER_LISTS = ["containers", "initContainers", "ephemeralContainers"];

interface ImageField {
  path: string;
  image: string;
}

function isWorkload({ group, resource, subresource }: AdmissionInput): boolean {
  return WORKLOADS[group]?.includes(subresource === "" ? resource : `${resource}/${subresource}`) === true;
}

/** The images of every container and image volume, in the Pod template of any workload kind. */
function imagesOf(object: ReviewedObject | undefined): ImageField[] {
  const found: ImageField[] = [];
  const visit = (spec: unknown, path: string): void => {
    if (!isMap(spec)) return;
    for (const list of CONTAINER_LISTS) {
      const containers = Array.isArray(spec[list]) ? spec[list] : [];
      containers.forEach((container: unknown, index) => {
        const image = isMap(container) ? container.image : undefined;
        found.push({
          path: `${path}.${list}[${index}].image`,
          image: typeof image === "string" ? image : "",
        });
      });
    }
    const volumes = Array.isArray(spec.volumes) ? spec.volumes : [];
    volumes.forEach((volume: unknown, index) => {
      const source = isMap(volume) && isMap(volume.image) ? volume.image.reference : undefined;
      if (typeof source === "string")
        found.push({ path: `${path}.volumes[${index}].image.reference`, image: source });
    });
    const template = isMap(spec.template) ? spec.template : undefined;
    visit(template?.spec, `${path}.template.spec`);
    const jobTemplate = isMap(spec.jobTemplate) ? spec.jobTemplate : undefined;
    visit(jobTemplate?.spec, `${path}.jobTemplate.spec`);
  };
  visit(object?.spec, "spec");
  return found;
}

/** Images that an update leaves as they are were checked before. */
function changedImages(input: AdmissionInput): ImageField[] {
  if (!isWorkload(input) || input.operation === "DELETE" || input.operation === "CONNECT") return [];
  const known = new Set(imagesOf(input.oldObject).map(({ path, image }) => `${path} ${image}`));
  return imagesOf(input.object).filter(({ path, image }) => !known.has(`${path} ${image}`));
}

/** An image must be pinned by digest: a tag can name another image tomorrow. */
export const imageDigestRule: Rule = (input) =>
  changedImages(input).flatMap(({ path, image }) => {
    const reference = parseReference(image);
    return reference.kind === "invalid" ? [{ rule: "image-digest", path, message: reference.problem }] : [];
  });

/** The images that a request adds. */
export function imageArtifacts(input: AdmissionInput): ArtifactField[] {
  return changedImages(input).map(({ path, image }) => ({
    artifact: { reference: image, use: { kind: "image" } },
    path,
    rule: "image-signature",
  }));
}
