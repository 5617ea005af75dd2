import pg from "pg";
import type { HelperProcess } from "../helper-process.ts";
import { quantile } from "../statistic.ts";

export interface RoundTripResult {
  /** What it is meant to be; 0 is plain loopback, without a proxy. */
  wantedMs: number;
  /** What `SELECT 1` took, alone. */
  medianMs: number;
}

const COUNT = 300;
const CALIBRATIONS = 3;
const MIN_DELAY_MS = 0.01;

/** How long a round trip to the database really takes, alone. `urlAt` gives the database's URL at a distance. */
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

/** The proxy itself takes time: it delays by what is missing, so that the whole round trip takes what is wanted. */
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
