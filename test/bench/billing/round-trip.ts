import pg from "pg";
import { quantile } from "../statistic.ts";
import type { World } from "./world.ts";

export interface RoundTripResult {
  /** What was asked of the proxy; 0 is without one. */
  addedMs: number;
  /** What `SELECT 1` took. */
  medianMs: number;
}

const COUNT = 300;

/** How long a round trip to the database really takes, alone. */
export async function measureRoundTrips(
  world: World,
  roundTripsMs: readonly number[],
): Promise<RoundTripResult[]> {
  const results: RoundTripResult[] = [];
  for (const addedMs of roundTripsMs) {
    const client = new pg.Client({ connectionString: world.databaseUrl(world.pair(0).earlierUrl, addedMs) });
    await client.connect();
    const takenMs: number[] = [];
    for (let count = 0; count < COUNT; count += 1) {
      const startMs = performance.now();
      await client.query("SELECT 1");
      takenMs.push(performance.now() - startMs);
    }
    await client.end();
    results.push({ addedMs, medianMs: quantile(takenMs, 0.5) });
  }
  return results;
}
