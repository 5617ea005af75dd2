import { Gauge, type Registry } from "../../platform/metrics.ts";
import { isRecent } from "../../platform/recent.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import type { Database } from "../db/database.ts";
import { findUnprotectedBooks } from "../db/serving-role.ts";

/** Owners and rights rarely change, so they are read at most this often. */
const ROLES_FRESH_MS = 60_000;

/** While the database does not answer, the last value stays, so that a scrape does not fail. */
export function observeBooks(deps: { database: Database; registry: Registry; now: () => Date }): void {
  const { database, registry, now } = deps;
  let measuredAtMs = Number.NEGATIVE_INFINITY;
  const refresh = createSingleFlight(async () => {
    if (isRecent(measuredAtMs, now().getTime(), ROLES_FRESH_MS)) return;
    measuredAtMs = now().getTime();
    const found = await database.withClient(findUnprotectedBooks).catch(() => undefined);
    if (found !== undefined) gauge.set(found.length);
  });
  const gauge = new Gauge({
    name: "catalyst_billing_unprotected_books",
    help: "Roles that serve and could also alter or empty the ledger and the audit; 0 when another role owns the tables.",
    registers: [registry],
    collect: refresh,
  });
}
