import type { Logger } from "../../platform/log.ts";
import { Gauge, type Registry } from "../../platform/metrics.ts";
import type { Catalog, CatalogSource } from "./catalog.ts";
import type { PriceListName } from "./price-list.ts";

const LISTS: readonly PriceListName[] = ["plans", "addons", "apps"];
/** A log line names at most this many items. The metric counts all of them. */
const MAX_NAMED = 20;

/** Reports items that cannot be sold: a gauge at each new catalog, and one log line when the items change. */
export function reportRejectedItems(
  source: CatalogSource,
  { logger, registry }: { logger: Logger; registry: Registry },
): CatalogSource {
  const gauge = new Gauge({
    name: "catalyst_billing_catalog_rejected_items",
    help: "Items of the catalog that are not sold because their id or price is invalid, by list.",
    labelNames: ["list"],
    registers: [registry],
  });
  let seen: Catalog | undefined;
  let logged = "[]";

  function report({ rejected }: Catalog): void {
    for (const list of LISTS) gauge.set({ list }, rejected.filter((item) => item.list === list).length);
    const state = JSON.stringify(rejected);
    if (state === logged) return;
    logged = state;
    if (rejected.length === 0) {
      logger.info("every item of the catalog is valid again");
      return;
    }
    logger.error(
      { items: rejected.slice(0, MAX_NAMED), count: rejected.length },
      "items of the catalog cannot be sold: correct them; the other items are sold",
    );
  }

  return async (withApps) => {
    const catalog = await source(withApps);
    if (catalog !== seen) report(catalog);
    seen = catalog;
    return catalog;
  };
}
