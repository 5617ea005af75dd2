import { isMap } from "../../api/object.ts";
import { type Member, pathOfMember, rootMember } from "./member.ts";

/** A Pod specification somewhere in an object, with the path of its members: `spec.template.spec`. */
export interface FoundPodSpec {
  path: string;
  spec: Record<string, unknown>;
  /** Annotations of the Pod or of its template. */
  annotations?: Record<string, unknown>;
}

/** The specification of a claim of a volume somewhere in an object. */
export interface FoundClaim {
  path: string;
  spec: Record<string, unknown>;
}

/** Kubernetes' own kinds nest a Pod specification at most 5 deep. Custom kinds get room; values without end do not. */
export const MAX_OBJECT_DEPTH = 64;

export type PodSpecSearch =
  | { kind: "found"; specs: FoundPodSpec[]; claims: FoundClaim[] }
  | { kind: "tooDeep"; path: string };

const CONTAINER_LISTS = ["containers", "initContainers", "ephemeralContainers"];

/** What was found in an object, while the object lives. Nothing changes the objects of a review. */
const searched = new WeakMap<object, PodSpecSearch>();

/**
 * Every Pod specification in an object of any kind: a member that has a list of containers. Controllers of custom kinds
 * make Pods from such members, so that they are judged like workloads. The claims that take a certain volume are found with
 * them. An object has hundreds of members, and each of several rules asks about it, so it is searched once.
 */
export function findPodSpecs(object: unknown): PodSpecSearch {
  if (typeof object !== "object" || object === null) return { kind: "found", specs: [], claims: [] };
  const search = searched.get(object) ?? searchPodSpecs(object);
  searched.set(object, search);
  return search;
}

function searchPodSpecs(object: object): PodSpecSearch {
  const specs: FoundPodSpec[] = [];
  const claims: FoundClaim[] = [];
  const open: Member[] = [rootMember(object)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.depth > MAX_OBJECT_DEPTH) return { kind: "tooDeep", path: pathOfMember(next).slice(0, 80) };
    if (isMap(next.value) && isPodSpec(next.value))
      specs.push({ path: pathOfMember(next), spec: next.value, ...annotationsOf(next.parent?.value) });
    if (isMap(next.value) && isClaim(next.value, next))
      claims.push({ path: pathOfMember(next), spec: next.value });
    pushMembers(open, next);
  }
  return { kind: "found", specs, claims };
}

const CLAIM_NAME = /pvc|volumeclaim/i;

/**
 * Whether a member is the specification of a claim that names a volume or a source. Every claim has access modes and a size.
 * In the template of a custom kind the controller may add these, so that there the name of the member tells.
 */
function isClaim(value: Record<string, unknown>, { name, parent }: Member): boolean {
  if (typeof value.volumeName !== "string" && !isMap(value.dataSourceRef)) return false;
  return (
    Array.isArray(value.accessModes) ||
    isMap(value.resources) ||
    [name, parent?.name].some((it) => CLAIM_NAME.test(String(it)))
  );
}

function annotationsOf(parent: unknown): Pick<FoundPodSpec, "annotations"> {
  const annotations = isMap(parent) && isMap(parent.metadata) ? parent.metadata.annotations : undefined;
  return isMap(annotations) ? { annotations } : {};
}

function pushMembers(open: Member[], parent: Member): void {
  const { value } = parent;
  const depth = parent.depth + 1;
  if (Array.isArray(value)) {
    for (let name = 0; name < value.length; name += 1) {
      const item: unknown = value[name];
      if (typeof item === "object" && item !== null) open.push({ value: item, name, depth, parent });
    }
    return;
  }
  for (const name of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[name];
    if (typeof item !== "object" || item === null || isFieldOwnership(parent, name)) continue;
    open.push({ value: item, name, depth, parent });
  }
}

/** The API server writes `metadata.managedFields`: names of fields without values, as many members as all the rest. */
const isFieldOwnership = (parent: Member, name: string): boolean =>
  name === "managedFields" && parent.depth === 1 && parent.name === "metadata";

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
