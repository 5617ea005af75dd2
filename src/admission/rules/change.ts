import { isMap } from "../../api/object.ts";

/** Paths of the members that differ between two values, down to the first list or scalar, sorted. */
export function changedPaths(before: unknown, after: unknown, path = ""): string[] {
  if (isMap(before) && isMap(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) =>
      changedPaths(before[name], after[name], path === "" ? name : `${path}.${name}`),
    );
  }
  return JSON.stringify(sorted(before)) === JSON.stringify(sorted(after)) ? [] : [path];
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

/** What of an object its owner decides: all but what the server and controllers write. */
export function decidedPart(object: object | undefined): Record<string, unknown> {
  const {
    metadata,
    status: _,
    ...rest
  } = (object ?? {}) as Record<string, unknown> & { metadata?: Record<string, unknown> };
  const { labels, annotations, ownerReferences, finalizers } = metadata ?? {};
  return { ...rest, metadata: { labels, annotations, ownerReferences, finalizers } };
}
