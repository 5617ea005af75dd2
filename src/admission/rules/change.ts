import { isMap } from "../../api/object.ts";
import { type AdmissionInput, objectPath } from "./request.ts";

/** Paths of the members that differ between two values, sorted. A list that differs counts as one member. */
export function changedPaths(before: unknown, after: unknown, path = ""): string[] {
  if (isMap(before) && isMap(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) =>
      changedPaths(before[name], after[name], path === "" ? name : `${path}.${name}`),
    );
  }
  return JSON.stringify(sorted(before)) === JSON.stringify(sorted(after)) ? [] : [path];
}

/** The value with the members of its maps in one order, so that equal values have equal JSON. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

/** The part of an object that users write. The API server and controllers write the rest. */
export function userWrittenPart(object: object | undefined): Record<string, unknown> {
  const {
    metadata,
    status: _,
    ...rest
  } = (object ?? {}) as Record<string, unknown> & { metadata?: Record<string, unknown> };
  const { labels, annotations, ownerReferences, finalizers } = metadata ?? {};
  return { ...rest, metadata: { labels, annotations, ownerReferences, finalizers } };
}

/** The paths of the fields that an update changes; for every other request, and for an update that changes none, the object. */
export function affectedPaths(input: AdmissionInput): string[] {
  const whole = objectPath(input);
  if (input.operation !== "UPDATE" || input.subresource !== "") return [whole];
  const changed = changedPaths(userWrittenPart(input.oldObject), userWrittenPart(input.object));
  return changed.length === 0 ? [whole] : changed;
}
