import { isDeepStrictEqual } from "node:util";
import { canonicalJson } from "../canonical-json.ts";
import { isRecord, ownMember } from "../object.ts";
import type { JsonSchema } from "./json-schema.ts";
import { mapKeyOf } from "./list-type.ts";

/**
 * The value that a member or item had before an update. `undefined`: there is none to compare with, because
 * the node is new or lies in a list whose items have no identity (all but lists of type map).
 */
export function oldMemberOf(old: unknown, name: string): unknown {
  return isRecord(old) ? ownMember(old, name) : undefined;
}

export function oldItemOf(old: unknown, schema: JsonSchema, item: unknown): unknown {
  if (!Array.isArray(old) || schema["x-kubernetes-list-type"] !== "map") return undefined;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const wanted = canonicalJson(mapKeyOf(item, keys));
  return old.find((candidate) => canonicalJson(mapKeyOf(candidate, keys)) === wanted);
}

/** Whether an update leaves a node unchanged. The errors that the node had before do not refuse the update. */
export function isUnchanged(value: unknown, old: unknown): boolean {
  return old !== undefined && isDeepStrictEqual(value, old);
}
