import { isMap } from "../../api/object.ts";

/** A Pod specification somewhere in an object, with the path of its members: `spec.template.spec`. */
export interface FoundPodSpec {
  path: string;
  spec: Record<string, unknown>;
  /** Annotations of the Pod or of its template. */
  annotations?: Record<string, unknown>;
}

/** Kubernetes' own kinds nest a Pod specification at most 5 deep. Custom kinds get room; values without end do not. */
const MAX_DEPTH = 64;

export type PodSpecSearch = { kind: "found"; specs: FoundPodSpec[] } | { kind: "tooDeep"; path: string };

const CONTAINER_LISTS = ["containers", "initContainers", "ephemeralContainers"];

interface Member {
  value: unknown;
  path: string;
  depth: number;
  /** What it is a member of. */
  parent?: Record<string, unknown>;
}

/**
 * Every Pod specification in an object of any kind: a member that has a list of containers. Controllers of custom kinds
 * make Pods from such members, so that they are judged like workloads.
 */
export function findPodSpecs(object: unknown): PodSpecSearch {
  const specs: FoundPodSpec[] = [];
  const open: Member[] = [{ value: object, path: "", depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.depth > MAX_DEPTH) return { kind: "tooDeep", path: next.path.slice(0, 80) };
    if (isMap(next.value) && isPodSpec(next.value))
      specs.push({ path: next.path, spec: next.value, ...annotationsOf(next.parent) });
    open.push(...membersOf(next));
  }
  return { kind: "found", specs };
}

function annotationsOf(parent: Record<string, unknown> = {}): Pick<FoundPodSpec, "annotations"> {
  const annotations = isMap(parent.metadata) ? parent.metadata.annotations : undefined;
  return isMap(annotations) ? { annotations } : {};
}

function membersOf({ value, path, depth }: Member): Member[] {
  const named: [string, unknown][] = Array.isArray(value)
    ? value.map((item, index) => [`${path}[${index}]`, item])
    : Object.entries(isMap(value) ? value : {}).map(([name, item]) => [
        path === "" ? name : `${path}.${name}`,
        item,
      ]);
  return named
    .filter(([, item]) => typeof item === "object" && item !== null)
    .map(([at, item]) => ({
      ...{ value: item, path: at, depth: depth + 1 },
      ...(isMap(value) ? { parent: value } : {}),
    }));
}

/** A schema of a CustomResourceDefinition describes containers as a map, and a Pod specification lists them. */
const isPodSpec = (value: Record<string, unknown>): boolean =>
  CONTAINER_LISTS.some((list) => Array.isArray(value[list]) && (value[list] as unknown[]).some(isMap));

/** Containers of all three lists, with their paths. */
export function containersOf({
  path,
  spec,
}: FoundPodSpec): { path: string; container: Record<string, unknown> }[] {
  return CONTAINER_LISTS.flatMap((list) =>
    (Array.isArray(spec[list]) ? (spec[list] as unknown[]) : []).flatMap((container, index) =>
      isMap(container) ? [{ path: `${path}.${list}[${index}]`, container }] : [],
    ),
  );
}

/** The images of containers and of image volumes. A container without an image gets the empty one. */
export function imagesOf(found: FoundPodSpec): { path: string; image: string }[] {
  const volumes = Array.isArray(found.spec.volumes) ? found.spec.volumes : [];
  return [
    ...containersOf(found).map(({ path, container }) => ({
      path: `${path}.image`,
      image: typeof container.image === "string" ? container.image : "",
    })),
    ...volumes.flatMap((volume: unknown, index) => {
      const reference = isMap(volume) && isMap(volume.image) ? volume.image.reference : undefined;
      return typeof reference === "string"
        ? [{ path: `${found.path}.volumes[${index}].image.reference`, image: reference }]
        : [];
    }),
  ];
}
