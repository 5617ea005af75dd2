import { baisaOfOmr } from "../voucher/voucher.ts";

export const MAX_PRICE_BAISA = 1_000_000_000_000;
/** Prices that were computed in floating point differ from whole baisa by less than this. */
const TOLERANCE_BAISA = 1e-6;
const MAX_SHOWN_ID = 64;

export type PriceListName = "plans" | "addons" | "apps";

/** An item that cannot be sold, and the rule that it breaks. */
export interface RejectedItem {
  list: PriceListName;
  /** Its place in the list, and its id when it has one: `plans[3] "small"`. */
  item: string;
  reason: string;
}

export interface PriceList {
  /** Prices in baisa by id. */
  prices: ReadonlyMap<string, number>;
  rejected: readonly RejectedItem[];
}

/**
 * Parses an array of items with `id` and `price_baisa`, or `price_omr`. A bad item is rejected and the others are sold. `null`
 * is an empty list: Go encodes a nil slice so. Throws when the value is not a list.
 */
export function parsePriceList(list: PriceListName, json: unknown): PriceList {
  if (json !== null && !Array.isArray(json)) throw new Error(`${list} must be an array`);
  const prices = new Map<string, number>();
  const rejected: RejectedItem[] = [];
  for (const [index, item] of (json ?? []).entries()) {
    const judged = judgeItem(list, item, prices);
    if ("reason" in judged) rejected.push({ list, item: placeOf(list, index, item), reason: judged.reason });
    else prices.set(judged.id, judged.priceBaisa);
  }
  return { prices, rejected };
}

function judgeItem(
  list: PriceListName,
  item: unknown,
  known: ReadonlyMap<string, number>,
): { id: string; priceBaisa: number } | { reason: string } {
  const { id, price_baisa, price_omr } = (item ?? {}) as Record<string, unknown>;
  if (typeof id !== "string" || id === "") return { reason: "id must be a non-empty string" };
  // With two prices for one id, it is unknown which one the customer saw.
  if (known.has(id)) return { reason: "an earlier item has the same id: remove one of them" };
  const isFreeApp = list === "apps" && price_baisa === undefined && price_omr === undefined;
  const priceBaisa = isFreeApp ? 0 : priceOf(price_baisa, price_omr);
  if (priceBaisa === undefined || priceBaisa < 0 || priceBaisa > MAX_PRICE_BAISA)
    return { reason: `price_baisa must be a whole number from 0 to ${MAX_PRICE_BAISA}` };
  return { id, priceBaisa };
}

function priceOf(baisa: unknown, omr: unknown): number | undefined {
  if (baisa === undefined && typeof omr === "number") return baisaOfOmr(omr) ?? wholeBaisa(omr * 1000);
  return typeof baisa === "number" ? wholeBaisa(baisa) : undefined;
}

function wholeBaisa(baisa: number): number | undefined {
  // Adding 0 turns -0 into 0.
  const whole = Math.round(baisa) + 0;
  // The second term is the rounding error of the number itself: 9000.000001 must be within the tolerance.
  const tolerance = TOLERANCE_BAISA + Math.abs(baisa) * Number.EPSILON;
  return Number.isSafeInteger(whole) && Math.abs(whole - baisa) <= tolerance ? whole : undefined;
}

function placeOf(list: PriceListName, index: number, item: unknown): string {
  const { id } = (item ?? {}) as { id?: unknown };
  const at = `${list}[${index}]`;
  return typeof id === "string" && id !== "" ? `${at} ${JSON.stringify(id.slice(0, MAX_SHOWN_ID))}` : at;
}
