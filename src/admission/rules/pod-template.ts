import { isMap, listOf } from "../../api/object.ts";

/** A Pod specification somewhere in an object, with the path of its members: `spec.template.spec`. */
export interface FoundPodSpec {
  path: string;
  spec: Record<string, unknown>;
  /** Annotations of the Pod or of its template. */
  annotations?: Record<string, unknown>;
}

/** The path of the annotations beside a Pod specification: `spec.template.metadata.annotations`. */
export function annotationsPath({ path }: Pick<FoundPodSpec, "path">): string {
  const owner = path.replace(/\.?[^.]*$/, "");
  return `${owner === "" ? "" : `${owner}.`}metadata.annotations`;
}

const CONTAINER_LISTS = ["containers", "initContainers", "ephemeralContainers"];

/** Whether a name is one of `CONTAINER_LISTS`. The comparisons are much faster than `includes`. */
export const isContainerList = (name: string): boolean =>
  name === "containers" || name === "initContainers" || name === "ephemeralContainers";

/**
 * A Pod specification has a list of containers. The schema of a CustomResourceDefinition describes them with a map, so it
 * does not count.
 */
export const isPodSpec = (value: Record<string, unknown>): boolean =>
  CONTAINER_LISTS.some((list) => Array.isArray(value[list]) && (value[list] as unknown[]).some(isMap));

/** Containers of all three lists, with their paths. */
export function containersOf({
  path,
  spec,
}: FoundPodSpec): { path: string; container: Record<string, unknown> }[] {
  return CONTAINER_LISTS.flatMap((list) =>
    listOf(spec[list]).flatMap((container, index) =>
      isMap(container) ? [{ path: `${path}.${list}[${index}]`, container }] : [],
    ),
  );
}

/** The images of containers and of image volumes. A container without an image gets the empty one. */
export function imagesOf(found: FoundPodSpec): { path: string; image: string }[] {
  return [
    ...containersOf(found).map(({ path, container }) => ({
      path: `${path}.image`,
      image: typeof container.image === "string" ? container.image : "",
    })),
    ...listOf(found.spec.volumes).flatMap((volume, index) => {
      const reference = isMap(volume) && isMap(volume.image) ? volume.image.reference : undefined;
      return typeof reference === "string"
        ? [{ path: `${found.path}.volumes[${index}].image.reference`, image: reference }]
        : [];
    }),
  ];
}
