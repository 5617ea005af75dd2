import type { Store } from "./store.ts";

/** A counter for each API group. It grows with every change of an object in the group, and makes compiled results stale. */
export function createRevision(store: Store): (group: string) => number {
  const revisions = new Map<string, number>();
  store.subscribe(({ storage }) => {
    const group = storage.split("/")[0] ?? "";
    revisions.set(group, (revisions.get(group) ?? 0) + 1);
  });
  return (group) => revisions.get(group) ?? 0;
}
