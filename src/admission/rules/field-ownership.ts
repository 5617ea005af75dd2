import { isMap, listOf, mapOf, textOf } from "../../api/object.ts";

type Owned = Map<string, Set<string>>;

/**
 * Paths of spec and metadata that each field manager owns. Those of managers that update are kept together only, because the
 * API server joins such managers when there are many.
 */
function ownedPaths(object: object | undefined): { applied: Owned; all: Set<string> } {
  const applied: Owned = new Map();
  const all = new Set<string>();
  for (const { operation, manager, subresource, fieldsV1 } of listOf(
    mapOf(mapOf(object).metadata).managedFields,
  ).map(mapOf)) {
    const fields = mapOf(fieldsV1);
    const paths = ["spec", "metadata"].flatMap((part) => leafPaths(mapOf(fields[`f:${part}`]), part));
    for (const path of paths) all.add(path);
    if (operation === "Apply") applied.set(`${textOf(manager)}/${textOf(subresource)}`, new Set(paths));
  }
  return { applied, all };
}

const missingFrom = (paths: Iterable<string>, known: ReadonlySet<string> | undefined): string[] =>
  [...paths].filter((path) => known?.has(path) !== true);

const missingByManager = (owned: Owned, known: Owned): string[] =>
  [...owned].flatMap(([manager, paths]) => missingFrom(paths, known.get(manager)));

const sorted = (paths: readonly string[]): string[] => [...new Set(paths)].sort();

/**
 * Fields that a server-side apply takes ownership of, whether or not it changes their values. Paths are as in
 * `changedPaths`: a list counts as one field.
 */
export function newlyAppliedPaths(before: object | undefined, after: object | undefined): string[] {
  return sorted(missingByManager(ownedPaths(after).applied, ownedPaths(before).applied));
}

/** Fields that a manager owned by server-side apply and no longer owns, and fields without an owner now. */
export function lostOwnership(before: object | undefined, after: object | undefined): string[] {
  const [earlier, later] = [ownedPaths(before), ownedPaths(after)];
  return sorted([
    ...missingByManager(earlier.applied, later.applied),
    ...missingFrom(earlier.all, later.all),
  ]);
}

/** Reads the notation of `fieldsV1`: `f:billing` holds `f:replicas`, and `.` stands for the member itself. */
function leafPaths(fields: Record<string, unknown>, path: string): string[] {
  return Object.entries(fields).flatMap(([name, members]) => {
    if (!name.startsWith("f:") || members === undefined) return [];
    const at = `${path}.${name.slice(2)}`;
    const below = isMap(members) ? leafPaths(members, at) : [];
    return below.length === 0 ? [at] : below;
  });
}
