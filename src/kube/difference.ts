/**
 * Paths at which `live` lacks what `desired` says; what `desired` does not mention may be anything. Lists of objects
 * are matched item by item by `name` (or the whole item where there is none), and must have no further items: what we
 * list, we own. Empty lists and objects equal absent ones, as the API server drops them.
 */
export function differences(desired: unknown, live: unknown, path = ""): string[] {
  if (isEmpty(desired)) return isEmpty(live) || isMap(desired) ? [] : [path];
  if (Array.isArray(desired)) return listDifferences(desired, live, path);
  if (isMap(desired)) {
    if (!isMap(live)) return [path];
    return Object.entries(desired).flatMap(([name, value]) =>
      value === undefined ? [] : differences(value, live[name], path === "" ? name : `${path}.${name}`),
    );
  }
  return desired === live || isSameQuantity(desired, live) ? [] : [path];
}

function listDifferences(desired: unknown[], live: unknown, path: string): string[] {
  if (!Array.isArray(live)) return [path];
  const found = desired.flatMap((item, index) => {
    const name = nameOf(item);
    const counterpart = name === undefined ? live[index] : live.find((other) => nameOf(other) === name);
    return differences(item, counterpart, `${path}[${name ?? index}]`);
  });
  const names = new Set(desired.map(nameOf));
  const surplus = live.filter((item, index) => {
    const name = nameOf(item);
    return name === undefined ? index >= desired.length : !names.has(name);
  });
  return [...found, ...surplus.map((item) => `${path}[${nameOf(item) ?? "+"}]`)];
}

function nameOf(item: unknown): string | undefined {
  const name = isMap(item) ? item.name : undefined;
  return typeof name === "string" ? name : undefined;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0)
  );
}

const QUANTITY = /^([0-9]+(?:\.[0-9]+)?)(m|k|Ki|M|Mi|G|Gi)?$/;
const SCALE: Record<string, number> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** `0.5` and `500m` are one quantity: the API server rewrites them. */
function isSameQuantity(a: unknown, b: unknown): boolean {
  const [left, right] = [amountOf(a), amountOf(b)];
  return left !== undefined && left === right;
}

function amountOf(value: unknown): number | undefined {
  const match = QUANTITY.exec(String(value));
  return match === null ? undefined : Number(match[1]) * (SCALE[match[2] ?? ""] ?? 1);
}
