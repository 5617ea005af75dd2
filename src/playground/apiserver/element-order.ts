/**
 * The order of a merged list. Applied elements are in the applied order. Elements that only the live list has keep their
 * place between the others.
 */
export function mergedOrder(live: readonly string[], applied: readonly string[]): string[] {
  const known = new Set(live);
  const wanted = new Set(applied);
  const out: string[] = [];
  const placed = new Set<string>();
  const place = (element: string) => {
    if (!placed.has(element)) {
      placed.add(element);
      out.push(element);
    }
  };
  let next = 0;
  for (const element of live) {
    if (!wanted.has(element)) {
      place(element);
      continue;
    }
    // Up to this element, the applied order decides, and new elements follow it.
    while (next < applied.length && !placed.has(element)) place(applied[next++] as string);
    while (next < applied.length && !known.has(applied[next] as string)) place(applied[next++] as string);
  }
  for (const element of applied) place(element);
  return out;
}
