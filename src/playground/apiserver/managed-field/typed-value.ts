import { mergedOrder } from "../element-order.ts";
import { isRecord, type JsonObject } from "../object.ts";
import type { JsonSchema } from "../schema/json-schema.ts";
import { emptySet, type FieldSet, insert, isEmpty, type Path } from "./field-set.ts";
import {
  childrenOf,
  isNamedField,
  itemOf,
  memberOf,
  StructureError,
  schemaBelow,
  structureOf,
} from "./structure.ts";

type Schema = JsonSchema | undefined;

/** The paths that a configuration sets. Its applier owns them. */
export function fieldSetOf(value: unknown, schema: Schema): FieldSet {
  const set = emptySet();
  collect(value, schema, [], set);
  return set;
}

function collect(value: unknown, schema: Schema, path: Path, set: FieldSet): void {
  const structure = structureOf(value, schema);
  if (structure.kind === "leaf") {
    insert(set, path);
    return;
  }
  for (const child of childrenOf(structure, schema)) {
    const below = [...path, child.step];
    collect(child.value, child.schema, below, set);
    const empty = child.value === null || (isRecord(child.value) && Object.keys(child.value).length === 0);
    const inList = structure.kind === "list";
    if (inList || empty || !isNamedField(schema, child.step)) insert(set, below);
  }
}

export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

/** The changes from `before` to `after`, by path. */
export function compare(before: unknown, after: unknown, schema: Schema): Comparison {
  const comparison: Comparison = { added: emptySet(), modified: emptySet(), removed: emptySet() };
  walk(before, after, schema, [], comparison);
  return comparison;
}

export function isSame({ added, modified, removed }: Comparison): boolean {
  return isEmpty(added) && isEmpty(modified) && isEmpty(removed);
}

/** `isDeepStrictEqual` takes 2 to 3 times as long (20,000 comparisons of two equal lists of 20 objects). */
function isSameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one))
    return (
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((item, index) => isSameJson(item, other[index]))
    );
  if (!isRecord(one) || !isRecord(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isSameJson(one[name], other[name]))
  );
}

function isCollection(value: unknown): boolean {
  return Array.isArray(value) || isRecord(value);
}

function walk(before: unknown, after: unknown, schema: Schema, path: Path, out: Comparison): void {
  // Most writes change a small part of an object.
  if (isSameJson(before, after)) return;
  // A null takes the form of the other side, such as a required list that is absent.
  const left =
    before === undefined || (before === null && isCollection(after))
      ? undefined
      : structureOf(before, schema);
  const right =
    after === undefined || (after === null && isCollection(before)) ? undefined : structureOf(after, schema);
  const sizeOf = (value: unknown) =>
    Array.isArray(value) ? value.length : isRecord(value) ? Object.keys(value).length : 0;
  const differ = left !== undefined && right !== undefined && left.kind !== right.kind;
  const leaf =
    differ ||
    (left ?? right)?.kind === "leaf" ||
    (right ?? left)?.kind === "leaf" ||
    (sizeOf(before) === 0 && sizeOf(after) === 0);
  if (!leaf) {
    const below = (value: unknown) => {
      const structure = structureOf(value ?? (Array.isArray(before ?? after) ? [] : {}), schema);
      return structure.kind === "leaf"
        ? new Map<string, { value: unknown; schema: Schema }>()
        : new Map([...childrenOf(structure, schema)].map((child) => [child.step, child]));
    };
    const [old, now] = [below(before), below(after)];
    for (const step of new Set([...old.keys(), ...now.keys()])) {
      const child = old.get(step) ?? now.get(step);
      walk(old.get(step)?.value, now.get(step)?.value, child?.schema, [...path, step], out);
    }
  }
  if (before === undefined) insert(out.added, path);
  else if (after === undefined) insert(out.removed, path);
  else if (leaf) insert(out.modified, path);
}

/** Merges `config` into `live`: maps by member, keyed lists by entry. Anything else is replaced. */
export function merge(live: unknown, config: unknown, schema: Schema): unknown {
  if (config === undefined) return live;
  if (live === undefined) return config;
  const left = structureOf(live, schema);
  const right = structureOf(config, schema);
  if (left.kind === "map" && right.kind === "map") {
    const out: JsonObject = { ...left.value };
    for (const [name, value] of Object.entries(right.value)) {
      out[name] = merge(Object.hasOwn(out, name) ? out[name] : undefined, value, memberOf(schema, name));
    }
    return out;
  }
  if (left.kind === "list" && right.kind === "list") {
    const wanted = new Map(right.items.map(({ step, value }) => [step, value]));
    if (wanted.size !== right.items.length) throw new StructureError("duplicate entries for the same key");
    const known = new Map(left.items.map(({ step, value }) => [step, value]));
    return mergedOrder([...known.keys()], [...wanted.keys()]).map((step) =>
      wanted.has(step) ? merge(known.get(step), wanted.get(step), itemOf(schema)) : known.get(step),
    );
  }
  return config;
}

/** `value` without the paths of `set`. Undefined when nothing remains. */
export function removeFields(value: unknown, set: FieldSet, schema: Schema): unknown {
  const structure = structureOf(value, schema);
  if (structure.kind === "leaf") return value;
  const kept: { step: string; value: unknown }[] = [];
  for (const child of childrenOf(structure, schema)) {
    if (set.members.has(child.step)) continue;
    const below = set.children.get(child.step);
    const next = below === undefined ? child.value : removeFields(child.value, below, child.schema);
    if (next !== undefined || structure.kind === "map") kept.push({ step: child.step, value: next });
  }
  const left = kept.filter((child) => child.value !== undefined);
  if (left.length === 0) return undefined;
  return structure.kind === "map"
    ? Object.fromEntries(left.map((child) => [child.step.slice(2), child.value]))
    : left.map((child) => child.value);
}

/** The set, with every named field on the way to its paths as a member too. */
export function withNamedParents(set: FieldSet, schema: Schema): FieldSet {
  const members = new Set(set.members);
  const children = new Map<string, FieldSet>();
  for (const [step, child] of set.children) {
    if (isNamedField(schema, step)) members.add(step);
    children.set(step, withNamedParents(child, schemaBelow(schema, step)));
  }
  return { members, children };
}
