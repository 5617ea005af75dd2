import { drive, type LoadResult } from "../load.ts";
import { cpuSeconds, familyCpuSeconds, memoryMib } from "../process-figure.ts";
import { HOT_CODE, MISSING_CODE, voucherOf } from "./code.ts";
import { type GeneratedLoad, type LoadRequest, MAX_PER_SECOND } from "./load-process-message.ts";
import type { Scenario } from "./scenario.ts";
import { nextCustomer } from "./token.ts";
import type { World } from "./world.ts";

export interface Measurement extends LoadResult {
  /** Processor time of the database server per request. */
  serverCpuMs: number;
  /** Processor time of the process that answers, per request. Absent where only the earlier statements run. */
  processCpuMs?: number;
  /** The delay of the sending process's event loop. Absent where the bench's own process runs the statements. */
  generator?: GeneratedLoad["generator"];
  /** Round trips to the database per request, where a proxy counts them. */
  trips?: number;
  /** The peak memory of the billing process during the measurement. */
  peakMemoryMib?: number;
}

/** The kernel stops the process while it counts the pages, so this is rare. */
const MEMORY_EVERY_MS = 1_000;

/** Measures a process over HTTP: our service, or the earlier preview. */
export async function measureOverHttp(
  world: World,
  scenario: Scenario,
  maxMs: number,
  server: { pid: number; port: number },
): Promise<Measurement> {
  let peakMemoryMib = 0;
  const watch = setInterval(() => {
    peakMemoryMib = Math.max(peakMemoryMib, memoryMib(server.pid));
  }, MEMORY_EVERY_MS);
  try {
    const cpuBefore = cpuSeconds(server.pid);
    const result = await measureServer(world, scenario, () =>
      world.load.ask<GeneratedLoad>({ scenario, maxMs, port: server.port } satisfies LoadRequest),
    );
    const processCpuMs = ((cpuSeconds(server.pid) - cpuBefore) * 1_000) / result.count;
    return { ...result, processCpuMs, peakMemoryMib: Math.max(peakMemoryMib, memoryMib(server.pid)) };
  } finally {
    clearInterval(watch);
  }
}

export async function measureEarlier(world: World, scenario: Scenario, maxMs: number): Promise<Measurement> {
  if (scenario.isEarlierOverHttp === true)
    return measureOverHttp(world, scenario, maxMs, await world.earlierServer(scenario));
  const sequence = world.earlier(scenario);
  return measureServer(world, scenario, () =>
    drive({
      clients: scenario.clients,
      maxMs,
      maxCount: Math.ceil((maxMs / 1_000) * MAX_PER_SECOND.preview),
      perSecond: scenario.perSecond,
      async send(index) {
        if (scenario.request === "checkout") {
          await sequence.checkout({ ...nextCustomer(), planId: "small", code: voucherOf(scenario, index) });
        } else {
          const isHit = scenario.request === "preview-hit";
          if ((await sequence.preview(isHit ? HOT_CODE : MISSING_CODE)) !== isHit)
            throw new Error("the earlier sequence found something else");
        }
      },
    }),
  );
}

async function measureServer<Result extends LoadResult>(
  world: World,
  { roundTripMs }: Scenario,
  run: () => Promise<Result>,
): Promise<Result & { serverCpuMs: number; trips?: number }> {
  const tripsBefore = await world.countTrips(roundTripMs);
  const cpuBefore = familyCpuSeconds(world.postgresPid);
  const result = await run();
  const serverCpuMs = ((familyCpuSeconds(world.postgresPid) - cpuBefore) * 1_000) / result.count;
  const tripsAfter = await world.countTrips(roundTripMs);
  if (tripsBefore === undefined || tripsAfter === undefined) return { ...result, serverCpuMs };
  return { ...result, serverCpuMs, trips: (tripsAfter - tripsBefore) / result.count };
}
