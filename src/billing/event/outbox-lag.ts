import { createScrapeMeasurement, Gauge, type Registry } from "../../platform/metrics.ts";
import type { Queryable } from "../db/database.ts";

const FRESH_MS = 15_000;

/** Metrics of the outbox: the number of events that wait, and the age of the oldest, by sink. */
export function observeOutbox(deps: {
  database: Queryable;
  sinks: readonly string[];
  registry: Registry;
  now: () => Date;
}): void {
  const { database, sinks, registry, now } = deps;

  async function measure(): Promise<void> {
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

  const collect = createScrapeMeasurement({ measure, freshMs: FRESH_MS, now });
  const pending = new Gauge({
    name: "catalyst_billing_outbox_pending",
    help: "Events in the outbox that are not delivered yet.",
    labelNames: ["sink"],
    registers: [registry],
    collect,
  });
  const oldest = new Gauge({
    name: "catalyst_billing_outbox_oldest_seconds",
    help: "Age of the oldest event in the outbox that is not delivered; 0 when there is none.",
    labelNames: ["sink"],
    registers: [registry],
    collect,
  });
}
