import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type CatalogSource,
  createCatalogClient,
  priceOrder,
} from "../../../../src/billing/checkout/catalog.ts";
import { type AnsweringServer, startAnsweringServer } from "../../../support/server/answering-server.ts";

let server: AnsweringServer;
let nowMs: number;
let catalog: CatalogSource;
beforeEach(async () => {
  server = await startAnsweringServer();
  server.answers["/catalog/plans"] = { body: [{ id: "small", price_omr: 9 }] };
  server.answers["/catalog/addons"] = { body: [{ id: "backup", price_baisa: 1_500 }] };
  nowMs = 0;
  catalog = createCatalogClient({ baseUrl: `${server.origin}/`, fetch, now: () => new Date(nowMs) });
});
afterEach(() => server.close());

describe("createCatalogClient", () => {
  it("fetches the three lists once for all waiting requests, and again after a second", async () => {
    const [one, other] = await Promise.all([catalog(true), catalog(true)]);
    expect(one).toBe(other);
    expect(one.plans.get("small")).toBe(9_000);
    expect(server.asked.sort()).toEqual(["/catalog/addons", "/catalog/apps", "/catalog/plans"]);
    nowMs = 999;
    expect(await catalog(true)).toBe(one);
    nowMs = 1_000;
    server.answers["/catalog/plans"] = { body: [{ id: "small", price_omr: 10 }] };
    expect((await catalog(true)).plans.get("small")).toBe(10_000);
  });

  it.each<[string, string, AnsweringServer["answers"][string] | undefined]>([
    ["no plans", "/catalog/plans", undefined],
    ["no add-ons", "/catalog/addons", undefined],
    ["a fault about its apps", "/catalog/apps", { status: 500 }],
    ["apps that are not a list", "/catalog/apps", { body: "sign in first" }],
    ["a redirect", "/catalog/plans", { status: 307, headers: { location: "/catalog/addons" } }],
    ["more than four megabytes", "/catalog/plans", { body: `[${" ".repeat(4 * 1024 * 1024)}]` }],
    ["plans that are not a list", "/catalog/plans", { body: { small: 9 } }],
  ])(
    "fails with catalog_unavailable when the service answers %s, and tries again",
    async (_what, path, answer) => {
      const good = server.answers[path];
      if (answer === undefined) delete server.answers[path];
      else server.answers[path] = answer;
      await expect(catalog(true)).rejects.toMatchObject({
        code: "catalog_unavailable",
        cause: expect.any(Error),
      });
      if (good === undefined) delete server.answers[path];
      else server.answers[path] = good;
      expect((await catalog(true)).plans.get("small")).toBe(9_000);
    },
  );
});

describe("createCatalogClient for an order without apps", () => {
  it.each<[string, AnsweringServer["answers"][string]]>([
    ["a fault", { status: 500 }],
    ["a page to sign in", { body: "sign in first" }],
    ["silence", { isSilent: true }],
  ])("does not need the list of apps: %s", async (_what, answer) => {
    server.answers["/catalog/apps"] = answer;
    let failed = false;
    const withApps = catalog(true).catch(() => {
      failed = true;
    });
    const startedMs = performance.now();
    expect((await catalog(false)).plans.get("small")).toBe(9_000);
    // A request to the catalog is given up after 3 seconds.
    expect(performance.now() - startedMs).toBeLessThan(2_900);
    await server.close();
    await withApps;
    expect(failed).toBe(true);
  });

  it("does not request the list, and keeps naming the bad apps that an order with apps found", async () => {
    server.answers["/catalog/apps"] = { body: [{ id: "crm", price_baisa: "9" }] };
    await catalog(false);
    expect(server.asked).not.toContain("/catalog/apps");
    const withApps = await catalog(true);
    expect(withApps.rejected).toHaveLength(1);
    expect(await catalog(false)).toBe(withApps);
  });
});

describe("createCatalogClient for orders with and without apps at the same time", () => {
  it("keeps the list of apps that arrived while an order without apps waited for prices", async () => {
    server.answers["/catalog/apps"] = { body: [{ id: "crm", price_baisa: "9" }] };
    const release = Promise.withResolvers<void>();
    const slowPlans: typeof fetch = async (address, options) => {
      const answer = await fetch(address, options);
      if (String(address).endsWith("/plans")) await release.promise;
      return answer;
    };
    catalog = createCatalogClient({ baseUrl: server.origin, fetch: slowPlans, now: () => new Date(nowMs) });
    const withApps = catalog(true);
    const without = catalog(false);
    await new Promise((resolve) => setTimeout(resolve, 100));
    release.resolve();
    expect((await withApps).rejected).toHaveLength(1);
    expect(await without).toBe(await withApps);
    expect(await catalog(false)).toBe(await withApps);
  });
});

describe("createCatalogClient with bad items", () => {
  it("sells the good items of every list, and names the bad ones", async () => {
    server.answers["/catalog/plans"] = {
      body: [{ id: "small", price_omr: 9 }, { id: "large", price_omr: -1 }, { price_omr: 1 }],
    };
    server.answers["/catalog/addons"] = {
      body: [
        { id: "backup", price_omr: 0.0001 },
        { id: "mail", price_omr: 2.25 },
      ],
    };
    server.answers["/catalog/apps"] = { body: [{ id: "wiki" }, { id: "crm", price_baisa: "9" }] };
    const { plans, addons, apps, rejected } = await catalog(true);
    expect([...plans, ...addons, ...(apps ?? [])]).toEqual([
      ["small", 9_000],
      ["mail", 2_250],
      ["wiki", 0],
    ]);
    expect(rejected.map(({ item }) => item)).toEqual([
      'plans[1] "large"',
      "plans[2]",
      'addons[0] "backup"',
      'apps[1] "crm"',
    ]);
  });

  it("takes a list of null, as Go writes an empty one, for an empty list", async () => {
    server.answers["/catalog/apps"] = { body: "null" };
    expect((await catalog(true)).apps).toEqual(new Map());
  });
});

describe("priceOrder", () => {
  const MAX = 1_000_000_000_000;
  const prices = {
    plans: new Map([["large", MAX]]),
    addons: new Map([["backup", 1]]),
    apps: new Map([["wordpress", 0]]),
  };

  it("adds the prices of plan and add-ons, and accepts apps when the catalog lists none", () => {
    expect(priceOrder(prices, { planId: "large", apps: ["wordpress"], addons: [] })).toBe(MAX);
    expect(priceOrder({ ...prices, apps: undefined }, { planId: "large", apps: ["any"], addons: [] })).toBe(
      MAX,
    );
  });

  it.each<[string, Parameters<typeof priceOrder>[1]]>([
    ["plan_unknown", { planId: "none", apps: [], addons: [] }],
    ["app_unknown", { planId: "large", apps: ["none"], addons: [] }],
    ["addon_unknown", { planId: "large", apps: [], addons: ["none"] }],
    ["total_too_large", { planId: "large", apps: [], addons: ["backup"] }],
  ])("refuses with %s", (code, order) => {
    expect(() => priceOrder(prices, order)).toThrow(expect.objectContaining({ code }));
  });
});
