import { isMap } from "../../api/object.ts";
import type { AdmissionInput, ReviewedObject, Rule, SignatureDemand } from "./input.ts";

const WORKLOADS: Record<string, string[]> = {
  "": ["pods", "replicationcontrollers"],
  apps: ["deployments", "daemonsets", "statefulsets", "replicasets"],
  batch: ["jobs", "cronjobs"],
};
const CONTAINER_LISTS = ["containers", "initContainers", "ephemeralContainers"];
const PINNED = /^[^\s@]+@sha256:[a-f0-9]{64}$/;

interface ImageField {
  path: string;
  image: string;
}

function isWorkload({ group, resource }: AdmissionInput): boolean {
  return WORKLOADS[group]?.includes(resource) === true;
}

/** Every container image of a Pod template, in any workload kind, with its path. */
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

function changedImages(input: AdmissionInput): ImageField[] {
  if (!isWorkload(input) || input.operation === "DELETE" || input.operation === "CONNECT") return [];
  if (input.subresource !== "" && input.subresource !== "ephemeralcontainers") return [];
  const known = new Set(imagesOf(input.oldObject).map(({ path, image }) => `${path} ${image}`));
  return imagesOf(input.object).filter(({ path, image }) => !known.has(`${path} ${image}`));
}

/** Images come by digest: a tag may be another image tomorrow. */
export const imageDigestRule: Rule = (input) =>
  changedImages(input)
    .filter(({ image }) => !PINNED.test(image))
    .map(({ path, image }) => ({
      rule: "image-digest",
      path,
      message: `${image || "(empty)"} is not pinned: write repository@sha256:<64 hex>`,
    }));

/** And they are signed by somebody whom the platform trusts. */
export function imageSignatures(input: AdmissionInput): SignatureDemand[] {
  return changedImages(input).map(({ path, image }) => ({
    reference: image,
    path,
    rule: "image-signature",
    byFranchise: false,
  }));
}
