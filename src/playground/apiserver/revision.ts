import type { Store } from "./store.ts";

/** A counter for each API group that grows with every change to an object in it: what is compiled of them is stale then. */
export function createRevision(store: Store): (group: string) => number {
  const revisions = new Map<string, number>();
  store.subscribe(({ storage }) => {
    const group = storage.split("/")[0] ?? "";
    revisions.set(group, (revisions.get(group) ?? 0) + 1);
  });
  return (group) => revisions.get(group) ?? 0;
}
