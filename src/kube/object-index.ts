/** A longer list becomes a Set, because a list is copied at each change. */
const MAX_LISTED = 8;

/**
 * The keys of objects by the values that each named index has for them. Most values have one key, which is stored without a
 * Set: a Set takes 240 bytes, and a Sovereign with its objects has 15 of them. A list of three keys takes 72 bytes.
 */
export function createIndex<T>(indexes: Record<string, (object: T) => string[]>) {
  type Held = string | readonly string[] | Set<string>;
  const indexed = new Map(Object.keys(indexes).map((name) => [name, new Map<string, Held>()]));

  function add(buckets: Map<string, Held>, value: string, key: string): void {
    const held = buckets.get(value);
    if (held === undefined) buckets.set(value, key);
    else if (held instanceof Set) held.add(key);
    else buckets.set(value, listed(new Set(keysIn(held)).add(key)));
  }

  function remove(buckets: Map<string, Held>, value: string, key: string): void {
    const held = buckets.get(value);
    if (held instanceof Set && held.size > MAX_LISTED) {
      held.delete(key);
      return;
    }
    const rest = keysIn(held).filter((other) => other !== key);
    if (rest.length === 0) buckets.delete(value);
    else buckets.set(value, listed(new Set(rest)));
  }

  function listed(keys: Set<string>): Held {
    if (keys.size > MAX_LISTED) return keys;
    const [first = ""] = keys;
    return keys.size === 1 ? first : [...keys];
  }

  function move(buckets: Map<string, Held>, key: string, before: string[], after: string[]): void {
    for (const value of before) if (!after.includes(value)) remove(buckets, value, key);
    for (const value of after) if (!before.includes(value)) add(buckets, value, key);
  }

  return {
    /** The object under the key has changed from `before` to `after`; undefined is an absent one. */
    change(key: string, before: T | undefined, after: T | undefined): void {
      for (const [name, buckets] of indexed) {
        const valuesOf = (object: T | undefined) => (object && indexes[name]?.(object)) ?? [];
        move(buckets, key, valuesOf(before), valuesOf(after));
      }
    },
    keys: (name: string, value: string): string[] => keysIn(indexed.get(name)?.get(value)),
  };
}

function keysIn(held: string | Iterable<string> | undefined): string[] {
  if (held === undefined) return [];
  return typeof held === "string" ? [held] : [...held];
}
