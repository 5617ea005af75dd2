import { objectMetaSchema } from "../builtin/schema.ts";
import type { ApiObject, JsonObject, ManagedFieldsEntry } from "../object.ts";
import type { JsonSchema } from "../schema/json-schema.ts";
import { StatusError } from "../status.ts";
import {
  difference,
  emptySet,
  type FieldSet,
  fieldStep,
  insert,
  intersection,
  isEmpty,
  type Path,
  pathsOf,
  pathText,
  recursiveDifference,
  sameSet,
  union,
} from "./field-set.ts";
import { lastAppliedFields, withLastApplied } from "./last-applied.ts";
import {
  decodeManagers,
  encodeManagers,
  type Manager,
  type Managers,
  managerKey,
  managerText,
} from "./manager.ts";
import { compare, fieldSetOf, isSame, merge, removeFields, withNamedParents } from "./typed-value.ts";

interface Writer {
  name: string;
  apiVersion: string;
  subresource: string;
  time: string;
}

export interface OwnershipOptions {
  schema: JsonSchema | undefined;
  writer: Writer;
  /** Fields that this endpoint does not write, such as `status` on the main one, so writers gain no ownership of them. */
  untouched: readonly Path[];
}

// Members that every writer sends and no manager owns.
const UNOWNED: FieldSet = emptySet();
for (const path of [["apiVersion"], ["kind"], ["metadata"]]) insert(UNOWNED, path.map(fieldStep));
for (const name of [
  "name",
  "namespace",
  "creationTimestamp",
  "selfLink",
  "uid",
  "clusterName",
  "generation",
  "managedFields",
  "resourceVersion",
]) {
  insert(UNOWNED, [fieldStep("metadata"), fieldStep(name)]);
}

function objectSchema(schema: JsonSchema | undefined): JsonSchema {
  return { ...schema, properties: { ...schema?.properties, metadata: objectMetaSchema } };
}

/** The parts of an object that are tracked. */
function tracked(object: JsonObject): JsonObject {
  const { metadata, ...rest } = object;
  const { managedFields, ...meta } = (metadata ?? {}) as JsonObject;
  return { ...rest, metadata: meta };
}

function ignored(untouched: readonly Path[]): FieldSet {
  const set = emptySet();
  for (const path of untouched) insert(set, path.map(fieldStep));
  return set;
}

/**
 * The managers to start from: those of the new object (so that a client can edit them), else those of the live one. One
 * empty entry resets them.
 */
function startingManagers(live: ApiObject | undefined, stated: ManagedFieldsEntry[] | undefined): Managers {
  const [only] = stated ?? [];
  if (stated?.length === 1 && only !== undefined && Object.keys(only).length === 0) return new Map();
  try {
    const managers = decodeManagers(stated);
    if (managers.size > 0) return managers;
  } catch {
    // Entries that cannot be decoded are ignored, as in Kubernetes.
  }
  try {
    return decodeManagers(live?.metadata.managedFields);
  } catch {
    return new Map();
  }
}

/** The entries after a create, an update or a patch: the writer becomes the only owner of the changed fields. */
export function ownershipAfterUpdate(
  live: ApiObject | undefined,
  next: ApiObject,
  baseline: JsonObject,
  options: OwnershipOptions,
): ManagedFieldsEntry[] {
  const { writer, untouched } = options;
  const schema = objectSchema(options.schema);
  const managers = new Map(startingManagers(live, next.metadata.managedFields));
  const comparison = compare(tracked(live ?? baseline), tracked(next), schema);
  takeFromOthers(managers, undefined, comparison);

  const changed = recursiveDifference(union(comparison.added, comparison.modified), ignored(untouched));
  const taken = difference(changed, UNOWNED);
  const self: Manager = { ...writer, operation: "Update", fields: emptySet() };
  const key = managerKey(self);
  const known = managers.get(key);
  if (!isEmpty(taken)) {
    managers.set(key, { ...self, fields: known === undefined ? taken : union(known.fields, taken) });
  }
  return encodeManagers(managers);
}

/** Managers lose the fields that another writer changed or removed. */
function takeFromOthers(
  managers: Map<string, Manager>,
  except: string | undefined,
  { added, modified, removed }: ReturnType<typeof compare>,
): void {
  const gone = union(union(added, modified), removed);
  for (const [key, manager] of managers) {
    if (key !== except) managers.set(key, { ...manager, fields: difference(manager.fields, gone) });
  }
}

/**
 * Server-side apply: merges `config` into the live object, and removes fields that the manager no longer applies and no
 * other manager owns. Undefined when nothing changes. Throws 409 for fields that others own, unless `force`.
 */
export function applyConfiguration(
  live: ApiObject | undefined,
  config: ApiObject,
  baseline: ApiObject,
  options: OwnershipOptions & { force: boolean },
): ApiObject | undefined {
  const { writer, untouched, force } = options;
  const schema = objectSchema(options.schema);
  const liveFields = tracked(live ?? baseline);
  const configFields = (removeFields(tracked(config), ignored(untouched), schema) ?? {}) as JsonObject;
  const managers = new Map(startingManagers(live, undefined));
  if (live !== undefined && managers.size === 0) {
    const before: Manager = {
      ...writer,
      name: "before-first-apply",
      operation: "Update",
      fields: difference(fieldSetOf(liveFields, schema), UNOWNED),
    };
    managers.set(managerKey(before), before);
  }

  const self: Manager = { ...writer, operation: "Apply", fields: emptySet() };
  const key = managerKey(self);
  const known = managers.get(key);
  const last = known?.fields;
  self.fields = difference(fieldSetOf(configFields, schema), UNOWNED);
  managers.set(key, self);

  const merged = merge(liveFields, configFields, schema);
  const pruned = last === undefined ? merged : prune(merged, last, managers, schema);
  const comparison = compare(liveFields, pruned, schema);
  const changed = union(comparison.added, comparison.modified);
  const allowed = lastAppliedFields(writer.name, live, schema);
  const conflicts = conflictsOf(managers, key, difference(changed, allowed));
  if (conflicts.length > 0 && !force) throw applyConflict(conflicts);
  takeFromOthers(managers, key, comparison);

  if (isSame(comparison)) {
    if (live !== undefined && last !== undefined && sameSet(last, self.fields)) return undefined;
    // If only the ownership changed, the time stays.
    managers.set(key, { ...self, time: known?.time });
  }
  const next = withLastApplied(writer.name, pruned as ApiObject, config);
  return { ...next, metadata: { ...next.metadata, managedFields: encodeManagers(managers) } };
}

/** Removes fields that the manager applied before and no longer applies, unless another manager owns them. */
function prune(merged: unknown, last: FieldSet, managers: Managers, schema: JsonSchema): unknown {
  const full = (set: FieldSet) => withNamedParents(set, schema);
  const without = removeFields(merged, full(last), schema) ?? {};
  const all = full(fieldSetOf(merged, schema));
  let owned = emptySet();
  for (const { fields } of managers.values()) owned = union(owned, fields);
  const kept = union(full(fieldSetOf(without, schema)), full(owned));
  const gone = difference(all, kept);
  // Only fields that this manager applied are removed, not other fields below them.
  return removeFields(merged, intersection(gone, full(last)), schema) ?? {};
}

interface Conflict {
  manager: Manager;
  path: Path;
}

function conflictsOf(managers: Managers, self: string, changed: FieldSet): Conflict[] {
  return [...managers]
    .filter(([key]) => key !== self)
    .flatMap(([, manager]) =>
      pathsOf(intersection(manager.fields, changed)).map((path) => ({ manager, path })),
    );
}

/** The 409 of server-side apply, with the text that kubectl parses. */
function applyConflict(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${managerText(manager)}`,
    field: pathText(path),
  }));
  const [only] = conflicts;
  if (conflicts.length === 1 && only !== undefined) {
    return new StatusError(
      409,
      "Conflict",
      `Apply failed with 1 conflict: conflict with ${managerText(only.manager)}: ${pathText(only.path)}`,
      { causes },
    );
  }
  const byManager = new Map<string, string[]>();
  for (const { manager, path } of conflicts) {
    const text = managerText(manager);
    byManager.set(text, [...(byManager.get(text) ?? []), `- ${pathText(path)}`]);
  }
  const lines = [...byManager]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([text, paths]) => `conflicts with ${text}:\n${paths.join("\n")}`);
  return new StatusError(
    409,
    "Conflict",
    `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`,
    { causes },
  );
}
