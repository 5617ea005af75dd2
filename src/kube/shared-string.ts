import { isMap } from "../api/object.ts";

/** Beyond this many different texts, the table starts again empty. Texts that are shared already stay shared. */
const MAX_KNOWN = 4_096;

/**
 * Returns a function that makes equal strings in JSON values one string, in place. `JSON.parse` makes a new string for each
 * value, and most of the texts in the conditions of a fleet are equal: 2 of the 4 KB of a Sovereign.
 */
export function createStringSharing(): <T>(value: T) => T {
  const known = new Map<string, string>();

  function shared(text: string): string {
    const first = known.get(text);
    if (first !== undefined) return first;
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(text, text);
    return text;
  }

  function share(value: unknown): unknown {
    if (typeof value === "string") return shared(value);
    if (Array.isArray(value)) for (const [index, item] of value.entries()) value[index] = share(item);
    else if (isMap(value)) for (const name of Object.keys(value)) value[name] = share(value[name]);
    return value;
  }

  return <T>(value: T) => share(value) as T;
}
