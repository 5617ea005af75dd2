import { canonicalJson } from "../canonical-json.ts";
import { isRecord, type JsonObject } from "../object.ts";

/**
 * A set of field paths as a tree. Steps are written as in fieldsV1: `f:name`, `k:{"name":"web"}` (a list-map
 * entry), `v:"item"` (a member of a set), `i:0`. A path is in the set when its last step is among the `members` of
 * the node it leads to.
 */
export interface FieldSet {
  members: Set<string>;
  children: Map<string, FieldSet>;
}

export type Path = readonly string[];

export const emptySet = (): FieldSet => ({ members: new Set(), children: new Map() });
export const fieldStep = (name: string) => `f:${name}`;
export const keyStep = (keys: JsonObject) => `k:${canonicalJson(keys)}`;
export const valueStep = (value: unknown) => `v:${canonicalJson(value)}`;

export function isEmpty(set: FieldSet): boolean {
  return set.members.size === 0 && [...set.children.values()].every(isEmpty);
}

export function insert(set: FieldSet, path: Path): void {
  const last = path.at(-1);
  if (last === undefined) return;
  let node = set;
  for (const step of path.slice(0, -1)) {
    let child = node.children.get(step);
    if (child === undefined) {
      child = emptySet();
      node.children.set(step, child);
    }
    node = child;
  }
  node.members.add(last);
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map(a.children);
  for (const [step, child] of b.children) {
    const known = children.get(step);
    children.set(step, known === undefined ? child : union(known, child));
  }
  return { members: new Set([...a.members, ...b.members]), children };
}

/** The paths of `a` that are not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return combine(
    a,
    b,
    (step) => !b.members.has(step),
    (child, other) => (other ? difference(child, other) : child),
  );
}

/** As `difference`, but a path in `b` also removes all paths below it. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return combine(
    a,
    b,
    (step) => !b.members.has(step),
    (child, other, step) =>
      b.members.has(step) ? emptySet() : other ? recursiveDifference(child, other) : child,
  );
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return combine(
    a,
    b,
    (step) => b.members.has(step),
    (child, other) => (other ? intersection(child, other) : emptySet()),
  );
}

function combine(
  a: FieldSet,
  b: FieldSet,
  keep: (step: string) => boolean,
  descend: (child: FieldSet, other: FieldSet | undefined, step: string) => FieldSet,
): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [step, child] of a.children) {
    const next = descend(child, b.children.get(step), step);
    if (!isEmpty(next)) children.set(step, next);
  }
  return { members: new Set([...a.members].filter(keep)), children };
}

export function sameSet(a: FieldSet, b: FieldSet): boolean {
  return isEmpty(difference(a, b)) && isEmpty(difference(b, a));
}

/** All paths, in the order of their text. */
export function pathsOf(set: FieldSet, prefix: Path = []): Path[] {
  const steps = [...new Set([...set.members, ...set.children.keys()])].sort();
  return steps.flatMap((step) => {
    const child = set.children.get(step);
    const path = [...prefix, step];
    return [...(set.members.has(step) ? [path] : []), ...(child === undefined ? [] : pathsOf(child, path))];
  });
}

/** `.spec.containers[name="web"].image`, as conflicts are reported. */
export function pathText(path: Path): string {
  return path
    .map((step) => {
      const rest = step.slice(2);
      switch (step[0]) {
        case "f":
          return `.${rest}`;
        case "k":
          return `[${Object.entries(JSON.parse(rest) as JsonObject)
            .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
            .join(",")}]`;
        case "v":
          return `[=${rest}]`;
        default:
          return `[${rest}]`;
      }
    })
    .join("");
}

export function toFieldsV1(set: FieldSet): JsonObject {
  const out: JsonObject = {};
  const steps = [...new Set([...set.members, ...set.children.keys()])].sort();
  for (const step of steps) {
    const child = set.children.get(step);
    const below = child === undefined ? {} : toFieldsV1(child);
    const hasBelow = Object.keys(below).length > 0;
    if (!hasBelow && !set.members.has(step)) continue;
    out[step] = hasBelow && set.members.has(step) ? { ".": {}, ...below } : below;
  }
  return out;
}

/** Throws for a value that is not fieldsV1. */
export function fromFieldsV1(fields: unknown): FieldSet {
  if (!isRecord(fields)) throw new Error("fieldsV1 is not an object");
  const set = emptySet();
  for (const [step, below] of Object.entries(fields)) {
    if (step === ".") continue;
    if (!/^(f:|k:\{|v:|i:\d)/.test(step) || !isRecord(below))
      throw new Error(`fieldsV1 has an unknown step ${step}`);
    const child = fromFieldsV1(below);
    if (Object.keys(below).length === 0 || "." in below) set.members.add(step);
    if (!isEmpty(child)) set.children.set(step, child);
  }
  return set;
}
