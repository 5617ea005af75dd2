import { boundedFetch, jsonOf } from "../../platform/bounded-fetch.ts";
import { isRecent } from "../../platform/recent.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { CheckoutError } from "../errors.ts";
import { omrOfBaisa } from "../voucher/voucher.ts";
import {
  MAX_PRICE_BAISA,
  type PriceList,
  type PriceListName,
  parsePriceList,
  type RejectedItem,
} from "./price-list.ts";

export interface Catalog {
  /** Prices in baisa by id. */
  plans: ReadonlyMap<string, number>;
  addons: ReadonlyMap<string, number>;
  /** Undefined when the catalog has no list of apps. Every app is then accepted, at no price. */
  apps: ReadonlyMap<string, number> | undefined;
  /** Items that are left out of the lists because they are invalid. */
  rejected: readonly RejectedItem[];
}

/**
 * The source of prices. Throws `catalog_unavailable` when prices cannot be read now. Without `withApps`, the list of apps may be
 * old or absent, and a catalog service that cannot list its apps is no fault.
 */
export type CatalogSource = (withApps: boolean) => Promise<Catalog>;

/**
 * Parses `{plans, addons, apps?}` with `price_baisa`. The operator writes it from a Sovereign's `tiers` and `addons`, and
 * from the Blueprints that it offers. Without `plans` or `addons` there are none. Without `apps`, every app is accepted.
 */
export function parseCatalogFile(json: unknown): Catalog {
  const { plans, addons, apps } = (json ?? {}) as Record<string, unknown>;
  return catalogOf(
    parsePriceList("plans", plans ?? null),
    parsePriceList("addons", addons ?? null),
    apps === undefined ? undefined : parsePriceList("apps", apps),
  );
}

const catalogOf = (plans: PriceList, addons: PriceList, apps: PriceList | undefined): Catalog => ({
  plans: plans.prices,
  addons: addons.prices,
  apps: apps?.prices,
  rejected: [...plans.rejected, ...addons.rejected, ...(apps?.rejected ?? [])],
});

const unavailable = (cause: unknown) =>
  new CheckoutError("catalog_unavailable", "prices cannot be read from the catalog: try again in a moment", {
    cause,
  });

/** Prices from a file. A file that cannot be read is `catalog_unavailable`. */
export function createCatalogSource(read: () => Catalog): CatalogSource {
  return async () => {
    try {
      return read();
    } catch (cause) {
      throw unavailable(cause);
    }
  };
}

// Long enough that a burst of checkouts causes one request, and short enough that a new price or an outage shows soon.
const FRESH_MS = 1_000;
const TIMEOUT_MS = 3_000;
const MAX_LIST_BYTES = 4 * 1024 * 1024;

/** `apps` is undefined when the catalog has no such list, or it was never read. */
interface AppList {
  apps: PriceList | undefined;
}
const NO_APPS: AppList = { apps: undefined };

/**
 * Client of the existing catalog service: `GET /catalog/plans`, `/catalog/addons` and, if it has one, `/catalog/apps`. The list
 * of apps is requested only for orders that name apps.
 */
export function createCatalogClient(deps: {
  baseUrl: string;
  fetch: typeof fetch;
  now: () => Date;
}): CatalogSource {
  const readPrices = keepFresh(deps.now, async () => {
    const [plans, addons] = await Promise.all([list("plans"), list("addons")]);
    if (plans === undefined || addons === undefined)
      throw new Error("the catalog has no plans or no add-ons");
    return { plans, addons };
  });
  const readApps = keepFresh(deps.now, async (): Promise<AppList> => ({ apps: await list("apps") }));
  let last: { prices: object; apps: AppList; catalog: Catalog } | undefined;

  async function list(name: PriceListName): Promise<PriceList | undefined> {
    const answer = await boundedFetch(`${deps.baseUrl.replace(/\/$/, "")}/catalog/${name}`, {
      fetch: deps.fetch,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_LIST_BYTES,
    });
    return name === "apps" && answer.status === 404 ? undefined : parsePriceList(name, jsonOf(answer));
  }

  return async (withApps) => {
    try {
      const [prices, read] = await Promise.all([readPrices(), withApps ? readApps() : undefined]);
      // Read after the wait, in which an order with apps may have stored its list.
      const apps = read ?? last?.apps ?? NO_APPS;
      // The same lists are the same catalog, so that its bad items are reported once.
      if (last?.prices !== prices || last.apps !== apps)
        last = { prices, apps, catalog: catalogOf(prices.plans, prices.addons, apps.apps) };
      return last.catalog;
    } catch (cause) {
      throw unavailable(cause);
    }
  };
}

/** Calls that wait share one read, and its value is used for a second. */
function keepFresh<T extends object>(now: () => Date, read: () => Promise<T>): () => Promise<T> {
  let known: { value: T; atMs: number } | undefined;
  return createSingleFlight(async () => {
    if (known !== undefined && isRecent(known.atMs, now().getTime(), FRESH_MS)) return known.value;
    const value = await read();
    known = { value, atMs: now().getTime() };
    return value;
  });
}

/** The price of an order in baisa. Throws `plan_unknown`, `app_unknown`, `addon_unknown`, `total_too_large`. */
export function priceOrder(
  catalog: Pick<Catalog, "plans" | "addons" | "apps">,
  order: { planId: string; apps: string[]; addons: string[] },
): number {
  const plan = catalog.plans.get(order.planId);
  if (plan === undefined) {
    throw new CheckoutError(
      "plan_unknown",
      `plan_id is not in the catalog: choose one of ${known(catalog.plans)}`,
    );
  }
  let total = plan;
  for (const app of order.apps) {
    const price = catalog.apps === undefined ? 0 : catalog.apps.get(app);
    if (price === undefined)
      throw new CheckoutError("app_unknown", "apps names an app that is not in the catalog: leave it out");
    total += price;
  }
  for (const addon of order.addons) {
    const price = catalog.addons.get(addon);
    if (price === undefined)
      throw new CheckoutError(
        "addon_unknown",
        "addons names an add-on that is not in the catalog: leave it out",
      );
    total += price;
  }
  if (total > MAX_PRICE_BAISA)
    throw new CheckoutError(
      "total_too_large",
      `the total is above ${omrOfBaisa(MAX_PRICE_BAISA)} units of the currency: order less`,
    );
  return total;
}

function known(prices: ReadonlyMap<string, number>): string {
  const ids = [...prices.keys()];
  return ids.length <= 10 ? ids.join(", ") || "none" : `${ids.slice(0, 10).join(", ")}, …`;
}
