import pino from "pino";
import { describe, expect, it } from "vitest";
import { type Catalog, parseCatalogFile } from "../../../../src/billing/checkout/catalog.ts";
import { reportRejectedItems } from "../../../../src/billing/checkout/catalog-report.ts";
import { parsePriceList } from "../../../../src/billing/checkout/price-list.ts";
import { Registry } from "../../../../src/platform/metrics.ts";

const GOOD = { id: "good", price_baisa: 9_000 };
const PRICE = "price_baisa must be a whole number from 0 to 1000000000000";

describe("one bad item of a price list", () => {
  it.each<[string, unknown, string]>([
    ["no price", { id: "bad" }, PRICE],
    ["a price below zero", { id: "bad", price_baisa: -1 }, PRICE],
    ["half a baisa", { id: "bad", price_baisa: 1.5 }, PRICE],
    ["a tenth of a baisa in OMR", { id: "bad", price_omr: 0.0001 }, PRICE],
    ["a price as text", { id: "bad", price_baisa: "9" }, PRICE],
    ["a price of null", { id: "bad", price_baisa: null, price_omr: 9 }, PRICE],
    ["an endless price", { id: "bad", price_omr: 1e308 }, PRICE],
    ["a price above the bound", { id: "bad", price_baisa: 1_000_000_000_001 }, PRICE],
    ["no id", { price_baisa: 1 }, "id must be a non-empty string"],
    ["an empty id", { id: "", price_baisa: 1 }, "id must be a non-empty string"],
    ["a number as id", { id: 5, price_baisa: 1 }, "id must be a non-empty string"],
    ["nothing", null, "id must be a non-empty string"],
    ["text", "small", "id must be a non-empty string"],
    ["a second price", { id: "good", price_baisa: 1 }, "an earlier item has the same id: remove one of them"],
  ])("leaves out an item that has %s, with the reason", (_what, item, reason) => {
    const { prices, rejected } = parsePriceList("plans", [GOOD, item, { id: "last", price_baisa: 1 }]);
    expect([...prices]).toEqual([
      ["good", 9_000],
      ["last", 1],
    ]);
    expect(rejected).toEqual([{ list: "plans", item: expect.stringMatching(/^plans\[1\]/), reason }]);
  });

  it("names an item by its place and the first 64 characters of its id", () => {
    const { rejected } = parsePriceList("addons", [{ id: `a"${"x".repeat(100)}` }]);
    expect(rejected[0]?.item).toBe(`addons[0] "a\\"${"x".repeat(62)}"`);
  });
});

describe("whole baisa", () => {
  it.each<[object, number]>([
    [{ price_omr: 0.1 + 0.2 }, 300],
    [{ price_omr: 9.005 }, 9_005],
    [{ price_omr: 1.0000000009 }, 1_000],
    [{ price_omr: 999_999_999.999 }, 999_999_999_999],
    [{ price_baisa: 8_999.9999999 }, 9_000],
    [{ price_baisa: 9_000.000001 }, 9_000],
    [{ price_baisa: 8_999.999999 }, 9_000],
    [{ price_omr: 1.000000001 }, 1_000],
    [{ price_baisa: 1_000_000_000_000 }, 1_000_000_000_000],
    [{ price_baisa: -0 }, 0],
  ])("accepts a price that is whole within a millionth: %j", (price, baisa) => {
    expect(parsePriceList("plans", [{ id: "p", ...price }]).prices.get("p")).toBe(baisa);
  });

  it.each([[{ price_omr: 1.00000001 }], [{ price_baisa: 9_000.00001 }], [{ price_baisa: 9_000.000002 }]])(
    "are not %j",
    (price) => {
      expect(parsePriceList("plans", [{ id: "p", ...price }]).prices.size).toBe(0);
    },
  );
});

describe("reportRejectedItems", () => {
  const bad = parseCatalogFile({ plans: [GOOD, { id: "x" }], apps: [{ id: "y", price_baisa: -1 }] });
  const good = parseCatalogFile({ plans: [GOOD] });

  /** Reads each catalog once, and returns the log and the gauge after each. */
  async function report(catalogs: Catalog[]) {
    const log: { level: number; count?: number; items?: { item: string }[] }[] = [];
    const registry = new Registry();
    const waiting = [...catalogs];
    const source = reportRejectedItems(async () => waiting.shift() ?? good, {
      logger: pino({}, { write: (line) => log.push(JSON.parse(line)) }),
      registry,
    });
    const gauges: number[][] = [];
    for (const catalog of catalogs) {
      expect(await source(true)).toBe(catalog);
      const metric = await registry.getSingleMetric("catalyst_billing_catalog_rejected_items")?.get();
      gauges.push((metric?.values ?? []).map(({ value }) => value));
    }
    return { log, gauges };
  }

  it("counts the items by list, and logs them once", async () => {
    const again = { ...bad };
    const { log, gauges } = await report([bad, bad, again]);
    expect(gauges).toEqual([
      [1, 0, 1],
      [1, 0, 1],
      [1, 0, 1],
    ]);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatchObject({
      level: 50,
      count: 2,
      items: [{ item: 'plans[1] "x"' }, { item: 'apps[0] "y"' }],
    });
  });

  it("says when all items are valid again, and is silent about a good catalog", async () => {
    const { log, gauges } = await report([good, bad, good, good]);
    expect(gauges.at(-1)).toEqual([0, 0, 0]);
    expect(log.map(({ level }) => level)).toEqual([50, 30]);
  });

  it("names at most twenty items in one log line", async () => {
    const many = parseCatalogFile({ plans: Array.from({ length: 30 }, () => ({})) });
    const { log } = await report([many]);
    expect([log[0]?.count, log[0]?.items?.length]).toEqual([30, 20]);
  });
});
