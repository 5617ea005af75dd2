import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEarlierSequence, type EarlierSequence } from "../bench/billing/earlier-sequence.ts";
import { createLibPqPool, type LibPqPool } from "../bench/billing/lib-pq.ts";
import { type HelperProcess, startDelayProxy, startHelper } from "../bench/helper-process.ts";
import { EARLIER_TABLES } from "../support/builder/earlier-service.ts";
import { createTestDatabase, type TestDatabase } from "../support/server/postgres.ts";

let database: TestDatabase;
let proxy: HelperProcess;
let neighbour: HelperProcess;
let pool: LibPqPool;
let earlier: EarlierSequence;

beforeAll(async () => {
  database = await createTestDatabase("empty");
  await database.pool.query(EARLIER_TABLES);
  await database.pool.query("INSERT INTO promo_codes (code, credit_omr) VALUES ('HOT', 25), ('COLD', 25)");
  const url = new URL(database.url);
  proxy = await startDelayProxy(Number(url.port), 0);
  neighbour = await startHelper("billing/neighbour-process.ts");
  url.port = String(proxy.port);
  pool = createLibPqPool(url.href);
  earlier = createEarlierSequence({ pool, neighbourPort: neighbour.port });
  // A new connection costs round trips of its own, so it is opened before they are counted.
  await earlier.preview("HOT");
});

afterAll(async () => {
  earlier.close();
  await pool.close();
  await Promise.all([proxy.close(), neighbour.close()]);
  await database.drop();
});

async function countTrips(run: () => Promise<unknown>): Promise<number> {
  const before = await proxy.ask();
  await run();
  return ((await proxy.ask()).trips ?? 0) - (before.trips ?? 0);
}

describe("the earlier service's statement sequence", () => {
  const order = { userId: "user", tenantId: "shop", planId: "small", code: "HOT" };

  it("takes 26 round trips for a new customer's checkout, and leaves the rows that the earlier service left", async () => {
    expect(await countTrips(() => earlier.checkout(order))).toBe(26);
    const { rows } = await database.pool.query(`
      SELECT c.user_id, o.amount_omr, o.promo_code, s.plan_id, p.times_redeemed,
             (SELECT array_agg(l.amount_omr ORDER BY l.amount_omr DESC) FROM credit_ledger l WHERE l.customer_id = c.id) AS ledger
        FROM customers c JOIN orders o ON o.customer_id = c.id JOIN subscriptions s ON s.customer_id = c.id
        JOIN promo_redemptions r ON r.customer_id = c.id JOIN promo_codes p USING (code)`);
    expect(rows).toEqual([
      {
        user_id: "user",
        amount_omr: 9,
        promo_code: "HOT",
        plan_id: "small",
        times_redeemed: 1,
        ledger: [25, -9],
      },
    ]);
  });

  it("takes 24 round trips for an existing customer's checkout, and two for a preview", async () => {
    expect(await countTrips(() => earlier.checkout({ ...order, code: "COLD" }))).toBe(24);
    expect(await countTrips(() => earlier.preview("HOT"))).toBe(2);
  });

  it("does not find a code that does not exist", async () => {
    expect(await earlier.preview("NONE")).toBe(false);
  });
});

describe("the delaying proxy", () => {
  it("makes no round trip shorter than the configured delay", async () => {
    const slow = await startDelayProxy(Number(new URL(database.url).port), 20);
    const url = new URL(database.url);
    url.port = String(slow.port);
    const slowPool = createLibPqPool(url.href);
    await slowPool.query("SELECT 1");
    const startMs = performance.now();
    await slowPool.query("SELECT 1");
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(20);
    await slowPool.close();
    await slow.close();
  });
});

describe("npm run bench", () => {
  const MAIN = resolve(import.meta.dirname, "../bench/main.ts");

  async function bench(args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    const texts = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => {
      texts.stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      texts.stderr += chunk;
    });
    const [code] = await once(child, "close");
    return { code, ...texts };
  }

  /** Runs a quick bench that must succeed, and returns its results and its output. */
  async function quickBench(...args: string[]) {
    const folder = mkdtempSync(join(tmpdir(), "catalyst-bench-test-"));
    const output = join(folder, "results.json");
    const { code, stdout, stderr } = await bench([...args, "--quick", "--output", output]);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    const results = JSON.parse(readFileSync(output, "utf8"));
    rmSync(folder, { recursive: true });
    expect(results.machine.cores).toBeGreaterThan(0);
    return { results, stdout };
  }
  const isJudged = ({ held }: { held: boolean | null }) => typeof held === "boolean";

  it("measures billing on both sides, judges every bar, and writes the results", {
    timeout: 120_000,
  }, async () => {
    const { results, stdout } = await quickBench("billing", "--only", "hot code, loopback");
    const { billing } = results;
    expect(billing.scenarios.map(({ name }: { name: string }) => name)).toEqual([
      "checkout, hot code, loopback, empty ledger",
      "checkout, hot code, loopback, large ledger",
    ]);
    for (const { ours, earlier: other, ratio } of billing.scenarios) {
      for (const spread of [ours.perSecond, ours.p99Ms, ours.processCpuMs, other.perSecond, ratio]) {
        expect(spread.median).toBeGreaterThan(0);
      }
    }
    expect(billing.bars.filter(isJudged)).toHaveLength(4);
    expect(stdout).toContain("checkout, hot code, loopback, empty ledger");
  });

  it("calls the previews of both sides over HTTP", { timeout: 120_000 }, async () => {
    const { results } = await quickBench("billing", "--only", "both over HTTP");
    const [scenario] = results.billing.scenarios;
    expect(scenario.earlier.processCpuMs.median).toBeGreaterThan(0);
    expect(scenario.ratio.median).toBeGreaterThan(0);
  });

  it("measures admission in every scenario, and the time that it adds to a write on a real API server", {
    timeout: 240_000,
  }, async () => {
    const { results, stdout } = await quickBench("admission");
    const { admission } = results;
    for (const { webhook, floor, ratio, hasFloor } of admission.scenarios) {
      for (const spread of [webhook.perSecond, webhook.p99Ms, webhook.peakMemoryMib]) {
        expect(spread.median).toBeGreaterThan(0);
      }
      expect([floor !== undefined, ratio !== undefined]).toEqual([hasFloor === true, hasFloor === true]);
    }
    const cold = admission.scenarios.filter(({ reviews }: { reviews: string }) => reviews === "cold");
    // The referrers of the image, the manifest of its signature, and the signed payload: three requests.
    expect(cold.map(({ webhook }: Scenario) => webhook.registryRequests.median)).toEqual([3, 3]);
    const others = admission.scenarios.filter(({ reviews }: { reviews: string }) => reviews !== "cold");
    expect(others.map(({ webhook }: Scenario) => webhook.registryRequests.median)).toEqual(
      others.map(() => 0),
    );
    expect(admission.bars.filter(isJudged)).toHaveLength(8);
    for (const side of [admission.apply.nothing, admission.apply.policy, admission.apply.webhook])
      expect(side.p50Ms.median).toBeGreaterThan(0);
    expect(stdout).toContain("native policy");
  });

  it("measures a fleet until it is Ready, at rest, edited, with hanging Pods, and through faults", {
    timeout: 300_000,
  }, async () => {
    const { results, stdout } = await quickBench("operator");
    const [{ convergence, rest, edit, editWhilePodsHang, faults }] = results.operator.fleets;
    for (const measured of [
      convergence.seconds,
      convergence.cpuMsPerSovereign,
      convergence.writesPerSovereign,
    ])
      expect(measured).toBeGreaterThan(0);
    for (const { p50Ms } of [edit, editWhilePodsHang]) expect(p50Ms).toBeGreaterThan(0);
    for (const member of ["leaderKilled", "leaderStopped", "apiServerBack"])
      expect(faults[member]).toBeGreaterThan(0);
    // The operator at rest writes nothing: this is a count, not a time.
    expect(rest.writes).toBe(0);
    expect(results.operator.bars.filter(isJudged)).toHaveLength(3);
    expect(stdout).toContain("all Ready, s");
  });

  it.each([
    [["nonsense"], "name what to measure: admission, billing or operator"],
    [["operator", "--only", "tea"], "no scenario's name holds 'tea'"],
    [["billing", "--rounds", "0"], "--rounds must be"],
    [["billing", "--only", "tea"], "no scenario's name holds 'tea'"],
    [["admission", "--only", "tea"], "no scenario's name holds 'tea'"],
    [["billing", "--fast"], "--fast"],
  ])("refuses %j", async (args, message) => {
    const { code, stderr } = await bench(args);
    expect({ code, hasMessage: stderr.includes(message) }).toEqual({ code: 2, hasMessage: true });
  });
});

interface Scenario {
  webhook: { registryRequests: { median: number } };
}
