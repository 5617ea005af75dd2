import { isDeepStrictEqual } from "node:util";
import { isMap, type KubernetesObject, mapOf } from "../api/object.ts";

/** An entry of `metadata.managedFields`: a manager and the fields that it owns. */
export interface ManagedFieldsEntry {
  manager?: string;
  subresource?: string;
  fieldsV1?: FieldSet;
}

/** `f:name` for a member, `k:{…}` for the list item with these keys, `v:…` for a set's value, `.` for the node itself. */
interface FieldSet {
  [step: string]: FieldSet;
}

export type OwnedObject = KubernetesObject & { metadata: { managedFields?: ManagedFieldsEntry[] } };

/** Members that controllers write besides the spec. A difference in them is never a manual edit. */
const SERVER_MEMBERS = new Set(["f:status", "f:metadata", "f:apiVersion", "f:kind"]);

/**
 * Fields that other clients may add: with this annotation, `kubectl rollout restart` starts new Pods of the same template.
 */
const FREE_FIELDS = new Set(["spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt"]);

/** The fields of an object that belong to other managers, as paths: `spec.branding`. Default: none. */
export type FreeFields = (object: KubernetesObject) => readonly string[];

/** The desired object, with the fields at `paths` taken from the live object. */
export function withFreeFields(
  desired: KubernetesObject,
  live: KubernetesObject,
  paths: readonly string[],
): KubernetesObject {
  if (paths.length === 0) return desired;
  const filled = structuredClone(desired);
  for (const path of paths) {
    const steps = path.split(".");
    const name = steps.pop() ?? "";
    const [into, from] = [filled, live].map((object) =>
      steps.reduce<unknown>((at, step) => mapOf(at)[step], object),
    );
    if (isMap(into) && isMap(from) && from[name] !== undefined) into[name] = from[name];
  }
  return filled;
}

/** The entries of other managers that can hold additions to applied fields. The rest of managedFields only costs memory. */
export function foreignEntries({ metadata }: OwnedObject, fieldManager: string): ManagedFieldsEntry[] {
  return (metadata.managedFields ?? []).filter(
    ({ manager, subresource, fieldsV1 = {} }) =>
      manager !== fieldManager &&
      !subresource &&
      Object.keys(fieldsV1).some((step) => !SERVER_MEMBERS.has(step)),
  );
}

/**
 * Paths that another manager added to an object and that `desired` does not mention: a host network, an init container, a
 * variable. Fields that the server defaulted have no manager and are left out, and so are `freeFields`.
 */
export function foreignAdditions(
  desired: KubernetesObject,
  live: OwnedObject,
  freeFields: readonly string[] = [],
): string[] {
  const whole = withFreeFields(desired, live, freeFields);
  const found = (live.metadata.managedFields ?? []).flatMap(({ fieldsV1 = {} }) => {
    const own = Object.fromEntries(Object.entries(fieldsV1).filter(([step]) => !SERVER_MEMBERS.has(step)));
    return additions(own, whole, live, "");
  });
  return [...new Set(found)].sort();
}

function additions(fields: FieldSet, desired: unknown, live: unknown, path: string): string[] {
  return Object.entries(fields).flatMap(([step, below]) => {
    if (step === ".") return [];
    const childPath = pathAfter(step, path);
    const [ours, theirs] = [follow(step, desired), follow(step, live)];
    if (ours === undefined) return FREE_FIELDS.has(childPath) ? [] : [childPath];
    // The manager owns this field as one value, as with a Service's selector, so an added member is a difference.
    const isWhole = Object.keys(below).length === 0;
    if (isWhole) return typeof ours === "object" && !isDeepStrictEqual(ours, theirs) ? [childPath] : [];
    return additions(below, ours, theirs, childPath);
  });
}

function follow(step: string, value: unknown): unknown {
  const rest = step.slice(2);
  // A name such as `constructor` would otherwise find a member that every object inherits.
  if (step.startsWith("f:")) return isMap(value) && Object.hasOwn(value, rest) ? value[rest] : undefined;
  const items = Array.isArray(value) ? value : [];
  if (step.startsWith("v:")) return items.find((item) => item === JSON.parse(rest));
  const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>);
  // A key that the desired item does not set, such as a port's protocol, has its default value and need not match.
  return items.find(
    (item) => isMap(item) && keys.every(([name, key]) => item[name] === undefined || item[name] === key),
  );
}

function pathAfter(step: string, path: string): string {
  const rest = step.slice(2);
  if (step.startsWith("f:")) return path === "" ? rest : `${path}.${rest}`;
  const key = JSON.parse(rest) as unknown;
  return `${path}[${isMap(key) ? Object.values(key).join(",") : String(key)}]`;
}
