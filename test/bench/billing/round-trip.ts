import pg from "pg";
import type { HelperProcess } from "../helper-process.ts";
import { quantile } from "../statistic.ts";

export interface RoundTripResult {
  /** The intended round trip. 0 is plain loopback, without a proxy. */
  wantedMs: number;
  /** The measured time of a single `SELECT 1`. */
  medianMs: number;
}

const COUNT = 300;
const CALIBRATIONS = 3;
const MIN_DELAY_MS = 0.01;

/** Measures a round trip to the database without other load. `urlAt` returns the database's URL at a distance. */
export async function measureRoundTrips(
  urlAt: (roundTripMs: number) => string,
  roundTripsMs: readonly number[],
): Promise<RoundTripResult[]> {
  const results: RoundTripResult[] = [];
  for (const wantedMs of roundTripsMs) {
    results.push({ wantedMs, medianMs: await measureRoundTripMs(urlAt(wantedMs)) });
  }
  return results;
}

/** Sets the proxy's delay to the intended round trip minus the time that the proxy itself takes. */
export async function calibrateProxy(
  proxy: HelperProcess,
  wantedMs: number,
  databaseUrl: string,
): Promise<void> {
  let delayMs = wantedMs;
  for (let round = 0; round < CALIBRATIONS; round += 1) {
    delayMs = Math.max(MIN_DELAY_MS, delayMs + wantedMs - (await measureRoundTripMs(databaseUrl)));
    await proxy.ask({ delayMs });
  }
}

async function measureRoundTripMs(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const takenMs: number[] = [];
  for (let count = 0; count < COUNT; count += 1) {
    const startMs = performance.now();
    await client.query("SELECT 1");
    takenMs.push(performance.now() - startMs);
  }
  await client.end();
  return quantile(takenMs, 0.5);
}
