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

/** Paths below spec that each field manager owns by server-side apply. */
function appliedPaths(object: object | undefined): Map<string, Set<string>> {
  const { managedFields } = ((object ?? {}) as { metadata?: { managedFields?: unknown } }).metadata ?? {};
  const applied = (Array.isArray(managedFields) ? managedFields : [])
    .filter(isMap)
    .filter(({ operation }) => operation === "Apply");
  return new Map(
    applied.map(({ manager, fieldsV1 }) => [
      String(manager),
      new Set(leafPaths(isMap(fieldsV1) ? { "f:spec": fieldsV1["f:spec"] } : {})),
    ]),
  );
}

/**
 * Fields of spec that a server-side apply takes ownership of, whether or not it changes their values. Paths are as in
 * `changedPaths`: a list counts as one field.
 */
export function newlyAppliedPaths(before: object | undefined, after: object | undefined): string[] {
  const known = appliedPaths(before);
  const added = [...appliedPaths(after)].flatMap(([manager, paths]) =>
    [...paths].filter((path) => known.get(manager)?.has(path) !== true),
  );
  return [...new Set(added)].sort();
}

/** Paths in the notation of `fieldsV1`: `f:spec` holds `f:fqdn`, and `.` stands for the member itself. */
function leafPaths(fields: Record<string, unknown>, path = ""): string[] {
  return Object.entries(fields).flatMap(([name, members]) => {
    if (!name.startsWith("f:") || members === undefined) return [];
    const at = path === "" ? name.slice(2) : `${path}.${name.slice(2)}`;
    const below = isMap(members) ? leafPaths(members, at) : [];
    return below.length === 0 ? [at] : below;
  });
}
