import { canonicalJson } from "../canonical-json.ts";
import { mergedOrder } from "../element-order.ts";
import { isRecord, type JsonObject, setMember } from "../object.ts";
import { badRequest } from "../refusal.ts";
import { type JsonSchema, memberSchema } from "../schema/json-schema.ts";

type Schema = JsonSchema | undefined;

const DIRECTIVE = "$patch";
const RETAIN_KEYS = "$retainKeys";
const DELETE_FROM = /^\$deleteFromPrimitiveList\/(.+)$/s;
const ELEMENT_ORDER = /^\$setElementOrder\/(.+)$/s;

/** Applies a strategic merge patch, with the directives that kubectl writes. `schema` says which lists merge, and by which key. */
export function strategicMergePatch(target: unknown, patch: JsonObject, schema: Schema): JsonObject {
  const directive = patch[DIRECTIVE];
  if (directive === "replace") return withoutDirectives(patch);
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge")
    throw badRequest(`unknown patch type found: ${String(directive)}`);

  const out = retainedMembers(target, patch[RETAIN_KEYS]);
  const orders = new Map<string, unknown[]>();
  for (const [name, value] of Object.entries(patch)) {
    if (name === DIRECTIVE || name === RETAIN_KEYS) continue;
    const order = ELEMENT_ORDER.exec(name)?.[1];
    if (order === undefined) mergeInto(out, name, value, schema);
    else orders.set(order, listIn(name, value));
  }
  for (const [name, order] of orders) {
    const list = out[name];
    const member = schema && memberSchema(schema, name);
    if (Array.isArray(list)) out[name] = ordered(targetList(target, name), list, order, member);
  }
  return out;
}

function mergeInto(out: JsonObject, name: string, value: unknown, schema: Schema): void {
  const deletion = DELETE_FROM.exec(name)?.[1];
  if (deletion !== undefined) deleteItems(out, deletion, listIn(name, value));
  else if (value === null) delete out[name];
  else {
    const current = Object.hasOwn(out, name) ? out[name] : undefined;
    setMember(out, name, mergeMember(current, value, schema && memberSchema(schema, name)));
  }
}

/** A copy of the target with the members that `$retainKeys` lists, or with all members when it is absent. */
function retainedMembers(target: unknown, retained: unknown): JsonObject {
  const out: JsonObject = isRecord(target) ? { ...target } : {};
  if (Array.isArray(retained)) {
    for (const name of Object.keys(out)) if (!retained.includes(name)) delete out[name];
  }
  return out;
}

function listIn(directive: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw badRequest(`${directive} must be a list`);
  return value;
}

function deleteItems(out: JsonObject, name: string, deleted: readonly unknown[]): void {
  const list = out[name];
  if (Array.isArray(list)) out[name] = list.filter((item) => !deleted.includes(item));
}

function targetList(target: unknown, name: string): unknown[] {
  const list = isRecord(target) ? target[name] : undefined;
  return Array.isArray(list) ? list : [];
}

function mergeMember(current: unknown, value: unknown, schema: Schema): unknown {
  if (isRecord(value)) {
    // An absent map has nothing to merge with, but the directives in the patch still apply.
    return strategicMergePatch(current, value, schema);
  }
  if (Array.isArray(value) && merges(schema)) {
    return mergeList(Array.isArray(current) ? current : [], value, schema);
  }
  return value;
}

function merges(schema: Schema): boolean {
  return String(schema?.["x-kubernetes-patch-strategy"] ?? "")
    .split(",")
    .includes("merge");
}

function mergeList(current: readonly unknown[], patch: readonly unknown[], schema: Schema): unknown[] {
  const key = schema?.["x-kubernetes-patch-merge-key"] as string | undefined;
  if (key === undefined) return [...current, ...patch.filter((item) => !current.includes(item))];
  const entries = patch.map((item) => {
    if (!isRecord(item))
      throw badRequest(`a list that is merged by ${key} holds a value that is not an object`);
    return item;
  });
  if (entries.some((entry) => entry[DIRECTIVE] === "replace")) {
    return entries.filter((entry) => entry[DIRECTIVE] !== "replace").map(withoutDirectives);
  }
  const out = [...current];
  for (const entry of entries) {
    const identity = entry[key];
    if (identity === undefined)
      throw badRequest(`map: ${JSON.stringify(entry)} does not contain declared merge key: ${key}`);
    const index = out.findIndex((item) => isRecord(item) && item[key] === identity);
    if (entry[DIRECTIVE] === "delete") {
      if (index >= 0) out.splice(index, 1);
    } else if (index >= 0) out[index] = strategicMergePatch(out[index], entry, schema?.items);
    else out.push(strategicMergePatch({}, entry, schema?.items));
  }
  return out;
}

/** Orders a list as the patch says. Elements that the patch does not name keep their place among the others. */
function ordered(
  live: readonly unknown[],
  merged: readonly unknown[],
  order: readonly unknown[],
  schema: Schema,
): unknown[] {
  const key = schema?.["x-kubernetes-patch-merge-key"] as string | undefined;
  const identityOf = (item: unknown) => canonicalJson(key !== undefined && isRecord(item) ? item[key] : item);
  const byIdentity = new Map(merged.map((item) => [identityOf(item), item]));
  const wanted = order.map(identityOf).filter((identity) => byIdentity.has(identity));
  const present = [...live, ...merged].map(identityOf).filter((identity) => byIdentity.has(identity));
  return mergedOrder([...new Set(present)], wanted).map((identity) => byIdentity.get(identity));
}

/** Removes directives from a value that replaces another one, so that they are not stored. */
function withoutDirectives(value: JsonObject): JsonObject {
  const out: JsonObject = {};
  for (const [name, member] of Object.entries(value)) {
    if (name === DIRECTIVE || name === RETAIN_KEYS || DELETE_FROM.test(name) || ELEMENT_ORDER.test(name))
      continue;
    if (member === null) continue;
    setMember(out, name, isRecord(member) ? withoutDirectives(member) : member);
  }
  return out;
}
