import { Gauge, type Registry } from "../../platform/metrics.ts";
import { isRecent } from "../../platform/recent.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import type { Queryable } from "../db/database.ts";

/** The query runs at most this often, however many scrapes arrive. */
const FRESH_MS = 15_000;

/**
 * Metrics of the outbox: the number of events that wait, and the age of the oldest, by sink. While the database does not
 * answer, the last values stay, so that a scrape still succeeds.
 */
export function observeOutbox(deps: {
  database: Queryable;
  sinks: readonly string[];
  registry: Registry;
  now: () => Date;
}): void {
  const { database, sinks, registry, now } = deps;
  let measuredAtMs = Number.NEGATIVE_INFINITY;

  async function measure(): Promise<void> {
    measuredAtMs = now().getTime();
    const rows = await database.query<{ sink: string; pending: number; oldest_s: number }>({
      name: "outbox-lag",
      text: `SELECT s.sink, p.pending, coalesce(extract(epoch FROM now() - o.created_at), 0)::float8 AS oldest_s
               FROM unnest($1::text[]) AS s (sink)
               CROSS JOIN LATERAL (SELECT count(*)::float8 AS pending FROM outbox
                                    WHERE sink = s.sink AND delivered_at IS NULL) p
               LEFT JOIN LATERAL (SELECT created_at FROM outbox
                                   WHERE sink = s.sink AND delivered_at IS NULL ORDER BY id LIMIT 1) o ON true`,
      values: [sinks],
    });
    for (const { sink, pending: count, oldest_s } of rows) {
      pending.set({ sink }, count);
      oldest.set({ sink }, oldest_s);
    }
  }

  const refresh = createSingleFlight(async () => {
    if (!isRecent(measuredAtMs, now().getTime(), FRESH_MS)) await measure().catch(() => undefined);
  });

  const pending = new Gauge({
    name: "catalyst_billing_outbox_pending",
    help: "Events in the outbox that are not delivered yet.",
    labelNames: ["sink"],
    registers: [registry],
    collect: refresh,
  });
  const oldest = new Gauge({
    name: "catalyst_billing_outbox_oldest_seconds",
    help: "Age of the oldest event in the outbox that is not delivered; 0 when there is none.",
    labelNames: ["sink"],
    registers: [registry],
    collect: refresh,
  });
}
