/**
 * The keys of objects by the values that each named index has for them. Most values have one key, which is stored without a
 * Set: a Set takes 240 bytes, and a Sovereign with its objects has 15 of them.
 */
export function createIndex<T>(indexes: Record<string, (object: T) => string[]>) {
  type Held = string | Set<string>;
  const indexed = new Map(Object.keys(indexes).map((name) => [name, new Map<string, Held>()]));

  function add(buckets: Map<string, Held>, value: string, key: string): void {
    const held = buckets.get(value);
    if (held === undefined) buckets.set(value, key);
    else if (typeof held !== "string") held.add(key);
    else if (held !== key) buckets.set(value, new Set([held, key]));
  }

  function remove(buckets: Map<string, Held>, value: string, key: string): void {
    const held = buckets.get(value);
    if (held === key) buckets.delete(value);
    if (held === undefined || typeof held === "string") return;
    held.delete(key);
    if (held.size === 0) buckets.delete(value);
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
    keys(name: string, value: string): string[] {
      const held = indexed.get(name)?.get(value);
      if (held === undefined) return [];
      return typeof held === "string" ? [held] : [...held];
    },
  };
}
