import { createBatch } from "../db/batch.ts";
import type { Database } from "../db/database.ts";
import { LOOKUP_KEY_SQL } from "../db/schema.ts";
import { STANDING_SQL, twinOrder } from "./row.ts";
import type { VoucherOffer, VoucherPreview, VoucherStanding } from "./voucher.ts";

const MAX_BATCH = 50;
const CONCURRENCY = 2;
/**
 * While one query runs, the next lookups wait for it. At 5,000 lookups a second, each would otherwise start its own query.
 * With this bound, and a log that collects its lines, a preview took 0.10 instead of 0.12 ms of the process's time. A query
 * of more than 10 ms is waiting for the database, so the next one starts.
 */
const BESIDE = { size: 32, afterMs: 10 };

type Found = Omit<VoucherPreview, "accepting_redemptions"> & {
  /** The position of the key in the call, from 1. */
  place: number;
  standing: VoucherStanding;
  starts_at: Date | null;
  expires_at: Date | null;
};

/**
 * Finds the live voucher of a key. Most of a lookup's cost is the round trip to the database, so lookups that wait together
 * share one query. Measured with 64 clients, that takes half of this process's processor time and a fifth of the
 * database's, compared with one query per lookup.
 */
export function createVoucherLookup(deps: {
  database: Database;
}): (key: string) => Promise<VoucherOffer | undefined> {
  const batch = createBatch<string, VoucherOffer | null>({
    async run(keys) {
      const rows = await deps.database.query<Found>({
        name: "voucher-preview",
        text: `SELECT k.place::int AS place, p.code, coalesce(p.credit_omr, 0) AS credit_omr, coalesce(p.description, '') AS description,
                      coalesce(p.active, false) AS active, p.starts_at, p.expires_at, ${STANDING_SQL} AS standing
                 FROM unnest($1::text[]) WITH ORDINALITY AS k (key, place)
                CROSS JOIN LATERAL (SELECT p.* FROM promo_codes p WHERE ${LOOKUP_KEY_SQL} = k.key AND p.deleted_at IS NULL
                                     ORDER BY ${twinOrder("k.key")} LIMIT 1) p`,
        values: [keys],
      });
      const found = Array<VoucherOffer | null>(keys.length).fill(null);
      for (const row of rows) found[row.place - 1] = offerOf(row);
      return found;
    },
    keysOf: () => [],
    // A failure concerns all lookups, because it comes from the database.
    isUndone: () => false,
    maxSize: MAX_BATCH,
    concurrency: CONCURRENCY,
    beside: BESIDE,
    aloneConcurrency: 1,
  });
  return async (key) => (await batch.submit(key)) ?? undefined;
}

function offerOf({
  code,
  credit_omr,
  description,
  active,
  standing,
  starts_at,
  expires_at,
}: Found): VoucherOffer {
  return {
    preview: { code, credit_omr, description, active, accepting_redemptions: standing === "live" },
    standing,
    startsAt: starts_at,
    expiresAt: expires_at,
  };
}
