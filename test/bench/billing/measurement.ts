import { openHttpConnection, requestOf } from "../http-connection.ts";
import { drive, type LoadResult } from "../load.ts";
import { cpuSeconds, familyCpuSeconds, memoryMib } from "../process-figure.ts";
import { codeOf, HOT_CODE, MISSING_CODE } from "./database.ts";
import type { Scenario } from "./scenario.ts";
import { tokenOf } from "./token.ts";
import type { World } from "./world.ts";

export interface Measurement extends LoadResult {
  /** Processor time of the database server for each request. */
  serverCpuMs: number;
  /** The same of the process that answers; unknown where only the earlier statements run. */
  processCpuMs?: number;
  /** Round trips to the database for each request; where a proxy counts them. */
  trips?: number;
  /** The most that the billing process took while it was measured. */
  peakMemoryMib?: number;
}

/** More than either side can do: the time ends a measurement, this bounds what is prepared for it. */
const MAX_PER_SECOND = { checkout: 8_000, preview: 40_000 };
const MEMORY_EVERY_MS = 100;

let customerCount = 0;
/** New customers. */
function nextCustomer(): { userId: string; tenantId: string } {
  customerCount += 1;
  const userId = `bench-${process.pid}-${customerCount}`;
  return { userId, tenantId: `${userId}-shop` };
}

/** Measures a process that is called over HTTP: ours, or the earlier preview. */
export async function measureOverHttp(
  world: World,
  scenario: Scenario,
  maxMs: number,
  server: { pid: number; port: number },
): Promise<Measurement> {
  const requests = requestsOf(scenario, maxMs);
  const expectedStatus = scenario.request === "preview-miss" ? 404 : 200;
  const connections = Array.from({ length: scenario.clients }, () => openHttpConnection(server.port));
  let peakMemoryMib = 0;
  const watch = setInterval(() => {
    peakMemoryMib = Math.max(peakMemoryMib, memoryMib(server.pid));
  }, MEMORY_EVERY_MS);
  try {
    const cpuBefore = cpuSeconds(server.pid);
    const result = await measureServer(world, scenario, () =>
      drive({
        clients: scenario.clients,
        maxMs,
        maxCount: requests.length,
        ...paceOf(scenario),
        async send(index, client) {
          const { status, body } = (await connections[client]?.send(requests[index] as Buffer)) ?? {};
          if (status !== expectedStatus) throw new Error(`the server answered ${status}: ${body}`);
        },
      }),
    );
    const processCpuMs = ((cpuSeconds(server.pid) - cpuBefore) * 1_000) / result.count;
    return { ...result, processCpuMs, peakMemoryMib: Math.max(peakMemoryMib, memoryMib(server.pid)) };
  } finally {
    clearInterval(watch);
    for (const connection of connections) connection.close();
  }
}

/** Made before the clock runs. */
function requestsOf(scenario: Scenario, maxMs: number): Buffer[] {
  if (scenario.request !== "checkout") {
    const code = scenario.request === "preview-hit" ? HOT_CODE : MISSING_CODE;
    const request = requestOf("POST", "/billing/vouchers/redeem-preview", { body: { code } });
    return Array<Buffer>(Math.ceil((maxMs / 1_000) * MAX_PER_SECOND.preview)).fill(request);
  }
  return Array.from({ length: Math.ceil((maxMs / 1_000) * MAX_PER_SECOND.checkout) }, (_, index) => {
    const { userId, tenantId } = nextCustomer();
    return requestOf("POST", "/billing/checkout", {
      token: tokenOf(userId),
      body: {
        plan_id: "small",
        apps: ["wordpress"],
        addons: [],
        tenant_id: tenantId,
        promo_code: voucherOf(scenario, index),
      },
    });
  });
}

const paceOf = ({ perSecond }: Scenario) => (perSecond === undefined ? {} : { perSecond });

const voucherOf = (scenario: Scenario, index: number) =>
  scenario.codes === "hot" ? HOT_CODE : codeOf(index);

export async function measureEarlier(world: World, scenario: Scenario, maxMs: number): Promise<Measurement> {
  if (scenario.isEarlierOverHttp === true)
    return measureOverHttp(world, scenario, maxMs, await world.earlierServer(scenario));
  const sequence = world.earlier(scenario);
  return measureServer(world, scenario, () =>
    drive({
      clients: scenario.clients,
      maxMs,
      maxCount: Math.ceil((maxMs / 1_000) * MAX_PER_SECOND.preview),
      ...paceOf(scenario),
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

async function measureServer(
  world: World,
  { roundTripMs }: Scenario,
  run: () => Promise<LoadResult>,
): Promise<LoadResult & { serverCpuMs: number; trips?: number }> {
  const tripsBefore = await world.countTrips(roundTripMs);
  const cpuBefore = familyCpuSeconds(world.postgresPid);
  const result = await run();
  const serverCpuMs = ((familyCpuSeconds(world.postgresPid) - cpuBefore) * 1_000) / result.count;
  const tripsAfter = await world.countTrips(roundTripMs);
  if (tripsBefore === undefined || tripsAfter === undefined) return { ...result, serverCpuMs };
  return { ...result, serverCpuMs, trips: (tripsAfter - tripsBefore) / result.count };
}
