import { isMap } from "../api/object.ts";

/** A field in which the live object differs from the desired one. */
export interface Difference {
  /** In readable form: `spec.template.spec.containers[billing].image`. */
  path: string;
  live: unknown;
}

/** The paths where `live` differs from `desired`; see `findDifferences`. */
export function differences(desired: unknown, live: unknown): string[] {
  return findDifferences(desired, live).map(({ path }) => path);
}

/**
 * The fields of `desired` that `live` lacks or has with another value. Fields that `desired` does not mention may have any
 * value: defaults, status, other clients' labels. A list is compared as a whole, so additional items are differences. Items
 * of a list of objects are matched by their key, other items by position. An empty list equals an absent one, because the
 * API server drops it.
 */
export function findDifferences(desired: unknown, live: unknown): Difference[] {
  const found: Difference[] = [];
  compare(desired, live, undefined, found);
  return found;
}

/**
 * A member or an item, with a link to its parent. Building the whole list of steps for each equal field made most of the
 * garbage of a comparison.
 */
interface Place {
  step: string;
  within: Place | undefined;
}

function compare(desired: unknown, live: unknown, place: Place | undefined, found: Difference[]): void {
  if (Array.isArray(desired) && Array.isArray(live)) compareLists(desired, live, place, found);
  else if (isMap(desired) && isMap(live)) compareMaps(desired, live, place, found);
  else if (!isEqual(desired, live, place)) found.push({ path: spell(place), live });
}

/** Compares two values, unless both are lists or both are maps. */
function isEqual(desired: unknown, live: unknown, place: Place | undefined): boolean {
  if (isAbsent(desired)) return isAbsent(live);
  if (Array.isArray(desired)) return desired.length === 0 && isAbsent(live);
  if (isMap(desired)) return isAbsent(live) && isDroppedWhenEmpty(desired, place);
  return desired === live || isSameQuantity(desired, live, place) || isMirrored(desired, live, place);
}

/** Maps of built-in kinds that the server drops when they are empty. It keeps others, such as `emptyDir: {}`. */
const DROPPED_WHEN_EMPTY = new Set(
  "labels annotations data binaryData stringData nodeSelector matchLabels limits requests".split(" "),
);

const isDroppedWhenEmpty = (desired: object, place: Place | undefined): boolean =>
  Object.keys(desired).length === 0 && DROPPED_WHEN_EMPTY.has(place?.step ?? "");

function compareMaps(
  desired: Record<string, unknown>,
  live: Record<string, unknown>,
  within: Place | undefined,
  found: Difference[],
): void {
  for (const step of Object.keys(desired)) {
    const value = desired[step];
    // A name such as `constructor` would otherwise find a member that every object inherits.
    const other = Object.hasOwn(live, step) ? live[step] : undefined;
    if (value !== undefined) compare(value, other, { step, within }, found);
  }
}

function compareLists(
  desired: unknown[],
  live: unknown[],
  within: Place | undefined,
  found: Difference[],
): void {
  const identify = identityOf(desired, live);
  const placeOf = (id: string | number): Place => ({ step: `[${id}]`, within });
  const liveItems = new Map(live.map((item, index) => [identify(item, index), item]));
  for (const [index, item] of desired.entries()) {
    const id = identify(item, index);
    compare(item, liveItems.get(id), placeOf(id), found);
    liveItems.delete(id);
  }
  for (const [id, item] of liveItems) found.push({ path: spell(placeOf(id)), live: item });
}

/** Keys of list items in the built-in kinds (`x-kubernetes-list-map-keys`), the most likely first. */
const KEYS = ["mountPath", "name", "containerPort", "port", "uid", "type", "topologyKey", "ip", "key"];

type Identify = (item: unknown, index: number) => string | number;

/**
 * The first key that every item on both sides has, and that is unique on each side. Without one, items are identified by
 * position.
 */
function identityOf(desired: unknown[], live: unknown[]): Identify {
  const key = KEYS.find((name) => hasUnique(desired, name) && hasUnique(live, name));
  return key === undefined
    ? (_, index) => index
    : (item) => (item as Record<string, string | number>)[key] as string | number;
}

function hasUnique(items: unknown[], name: string): boolean {
  const values = items.map((item) => (isMap(item) ? item[name] : undefined));
  return (
    values.every((value) => typeof value === "string" || typeof value === "number") &&
    new Set(values).size === values.length
  );
}

const isAbsent = (value: unknown) => value === undefined || value === null;

/** `spec.containers[billing].image`. */
function spell(place: Place | undefined): string {
  const steps: string[] = [];
  for (let at = place; at !== undefined; at = at.within) steps.unshift(at.step);
  return steps.join(".").replaceAll(".[", "[");
}

const isMirrored = (desired: unknown, live: unknown, place: Place | undefined) =>
  place?.step === "image" && place.within?.step.startsWith("[") === true && isSameImage(desired, live);

/** Whether two images have the same content. A mirror serves an image under another repository with the same digest. */
export function isSameImage(a: unknown, b: unknown): boolean {
  const digest = DIGEST.exec(String(a))?.[0];
  return a === b || (digest !== undefined && digest === DIGEST.exec(String(b))?.[0]);
}

const DIGEST = /@sha256:[0-9a-f]{64}$/;

const QUANTITY = /^([0-9]+(?:\.[0-9]+)?)(n|u|m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$/;
const TIMES: Record<string, number> = {
  ...{ k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};
/** Divisors instead of fractions, so that `700m` becomes exactly the number 0.7. */
const DIVIDED_BY: Record<string, number> = { m: 1e3, u: 1e6, n: 1e9 };
const QUANTITIES = ["limits", "requests", "hard", "capacity"];

/**
 * Whether two texts are the same quantity (`0.5` and `500m`), in fields that hold quantities. The API server rewrites them.
 */
function isSameQuantity(a: unknown, b: unknown, place: Place | undefined): boolean {
  if (!QUANTITIES.includes(place?.within?.step ?? "") && place?.step !== "sizeLimit") return false;
  const left = amountOf(a);
  return left !== undefined && left === amountOf(b);
}

function amountOf(value: unknown): number | undefined {
  const [, digits, unit = ""] = QUANTITY.exec(String(value)) ?? [];
  if (digits === undefined) return undefined;
  return (Number(digits) * (TIMES[unit] ?? 1)) / (DIVIDED_BY[unit] ?? 1);
}
