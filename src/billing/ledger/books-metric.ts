import { createScrapeMeasurement, Gauge, type Registry } from "../../platform/metrics.ts";
import type { Database } from "../db/database.ts";
import { findUnprotectedBooks } from "../db/serving-role.ts";

/** Owners and rights rarely change. */
const FRESH_MS = 60_000;

export function observeBooks(deps: { database: Database; registry: Registry; now: () => Date }): void {
  const { database, registry, now } = deps;
  const measure = async (): Promise<void> =>
    gauge.set((await database.withClient(findUnprotectedBooks)).length);
  const gauge = new Gauge({
    name: "catalyst_billing_unprotected_books",
    help: "Roles that serve and could also alter or empty the ledger and the audit; 0 when another role owns the tables.",
    registers: [registry],
    collect: createScrapeMeasurement({ measure, freshMs: FRESH_MS, now }),
  });
}
