import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDatabase } from "../../../src/playground/postgres.ts";
import { claimStateDirectory } from "../../../src/playground/process/state-directory.ts";
import { createWatchdog } from "../../../src/playground/process/watchdog.ts";
import { type HelperProcess, startDelayProxy, startHelper } from "../helper-process.ts";
import { type BillingProcess, startBillingProcess } from "./billing-process.ts";
import { createDatabasePair, type DatabasePair, runSql } from "./database.ts";
import { createEarlierSequence, type EarlierSequence } from "./earlier-sequence.ts";
import { createLibPqPool, type LibPqPool } from "./lib-pq.ts";
import { calibrateProxy } from "./round-trip.ts";
import { STATEMENT_PROFILE_SETTINGS, trackStatements } from "./statement-profile.ts";

/** The size and the distance of a side's database. */
interface Place {
  ledgerRows: number;
  roundTripMs: number;
}

/** All processes of a bench: one PostgreSQL, the neighbours, and both sides in each place. */
export interface World {
  postgresPid: number;
  postgresVersion: string;
  neighbourPort: number;
  pair(ledgerRows: number): DatabasePair;
  ours(place: Place): Promise<BillingProcess>;
  /** Starts another billing process with other Node options. */
  startOurs(place: Place, nodeArgs: readonly string[]): Promise<BillingProcess>;
  earlier(place: Place): EarlierSequence;
  /** The process that sends requests over HTTP. */
  load: HelperProcess;
  /** The earlier service's preview over HTTP, in a process of its own. */
  earlierServer(place: Place): Promise<HelperProcess>;
  /** Round trips so far to the database at this distance, by all clients. Undefined where no proxy counts them. */
  countTrips(roundTripMs: number): Promise<number | undefined>;
  databaseUrl(url: string, roundTripMs: number): string;
  close(): Promise<void>;
}

// PostgreSQL's default durability. Settings of the playground that save memory and cost speed are set back.
const SERVER_SETTINGS = {
  ...STATEMENT_PROFILE_SETTINGS,
  shared_buffers: "512MB",
  max_wal_size: "4GB",
  max_connections: "200",
  max_worker_processes: "8",
  autovacuum_max_workers: "3",
};

export async function createWorld(deps: {
  ledgerRows: number;
  roundTripsMs: readonly number[];
  report: (text: string) => void;
}): Promise<World> {
  const { report } = deps;
  const state = claimStateDirectory(mkdtempSync(join(tmpdir(), "catalyst-bench-")));
  const watchdog = createWatchdog();
  const closers: (() => Promise<void>)[] = [async () => state.release(true), () => watchdog.close()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const server = await startDatabase({ state, watchdog, settings: SERVER_SETTINGS });
    closers.push(() => server.close());
    await trackStatements(`${server.superuserUrl}/postgres`, "none");
    const neighbour = await startHelper("billing/neighbour-process.ts");
    closers.push(() => neighbour.close());
    const load = await startHelper("billing/load-process.ts");
    closers.push(() => load.close());
    const proxies = new Map<number, HelperProcess>();
    for (const roundTripMs of deps.roundTripsMs.filter((ms) => ms > 0)) {
      const proxy = await startDelayProxy(server.port, roundTripMs);
      proxies.set(roundTripMs, proxy);
      closers.push(() => proxy.close());
    }
    const pairs = new Map<number, DatabasePair>();
    for (const ledgerRows of new Set([0, deps.ledgerRows])) {
      const pair = await createDatabasePair(server.superuserUrl, ledgerRows);
      pairs.set(ledgerRows, pair);
      report(
        `${ledgerRows} ledger rows: filled, copied, and adopted in ${(pair.adoptionMs / 1000).toFixed(1)} s`,
      );
    }

    const pair = (ledgerRows: number): DatabasePair => {
      const found = pairs.get(ledgerRows);
      if (found === undefined) throw new Error(`no databases with ${ledgerRows} ledger rows`);
      return found;
    };
    const databaseUrl = (url: string, roundTripMs: number): string => {
      const at = new URL(url);
      at.port = String(proxies.get(roundTripMs)?.port ?? server.port);
      return at.href;
    };
    for (const [roundTripMs, proxy] of proxies) {
      await calibrateProxy(proxy, roundTripMs, databaseUrl(pair(0).earlierUrl, roundTripMs));
    }
    let startCount = 0;
    const startOurs = async ({ ledgerRows, roundTripMs }: Place, nodeArgs: readonly string[]) => {
      startCount += 1;
      const billing = await startBillingProcess({
        databaseUrl: databaseUrl(pair(ledgerRows).oursUrl, roundTripMs),
        neighbourPort: neighbour.port,
        logFile: state.file("logs", `billing-${startCount}.log`),
        watchdog,
        nodeArgs,
      });
      closers.push(() => billing.stop());
      return billing;
    };
    const ours = new Map<string, Promise<BillingProcess>>();
    const earlier = new Map<string, { pool: LibPqPool; sequence: EarlierSequence }>();
    const earlierServers = new Map<string, Promise<HelperProcess>>();
    closers.push(async () => {
      for (const starting of earlierServers.values()) await (await starting).close();
    });
    const keyOf = (place: Place) => `${place.ledgerRows}/${place.roundTripMs}`;
    closers.push(async () => {
      for (const { pool, sequence } of earlier.values()) {
        sequence.close();
        await pool.close();
      }
    });

    const [version] = (await runSql(`${server.superuserUrl}/postgres`, "SHOW server_version")).rows;
    return {
      postgresPid: Number(readFileSync(state.file("postgres", "postmaster.pid"), "utf8").split("\n")[0]),
      postgresVersion: version.server_version,
      neighbourPort: neighbour.port,
      load,
      pair,
      startOurs,
      ours(place) {
        const running = ours.get(keyOf(place)) ?? startOurs(place, []);
        ours.set(keyOf(place), running);
        return running;
      },
      earlier(place) {
        const known = earlier.get(keyOf(place));
        if (known !== undefined) return known.sequence;
        const pool = createLibPqPool(databaseUrl(pair(place.ledgerRows).earlierUrl, place.roundTripMs));
        const sequence = createEarlierSequence({ pool, neighbourPort: neighbour.port });
        earlier.set(keyOf(place), { pool, sequence });
        return sequence;
      },
      earlierServer(place) {
        const url = databaseUrl(pair(place.ledgerRows).earlierUrl, place.roundTripMs);
        const running =
          earlierServers.get(keyOf(place)) ?? startHelper("billing/earlier-preview-process.ts", [url]);
        earlierServers.set(keyOf(place), running);
        return running;
      },
      countTrips: async (roundTripMs) => (await proxies.get(roundTripMs)?.ask())?.trips,
      databaseUrl,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
