import express from "express";
import { beforeAll, describe, expect, it } from "vitest";
import { startHttpServer } from "../../../../src/platform/http-server.ts";
import { billing, nextPage, placeOrder, signToken, useBilling } from "../../../support/builder/billing.ts";

const COUNT = 1_005;
let superadmin: string;

useBilling();

beforeAll(async () => {
  superadmin = await signToken("s", "superadmin");
  expect((await placeOrder(billing, "somebody", { plan_id: "free" })).status).toBe(200);
  // Three orders without a date, as adopted ones may be, and five orders at each of the other times.
  await billing.database.pool.query(
    `INSERT INTO orders (customer_id, tenant_id, plan_id, created_at, adopted)
     SELECT (SELECT id FROM customers), n::text, 'free',
            CASE WHEN n > 3 THEN timestamptz '2020-01-01' + n / 5 * interval '1 microsecond' END, true
       FROM generate_series(1, $1::int) AS n`,
    [COUNT - 1],
  );
});

async function idsOf(limit?: number): Promise<string[][]> {
  const pages: string[][] = [];
  let next: string | undefined = `/billing/admin/orders${limit === undefined ? "" : `?limit=${limit}`}`;
  while (next !== undefined) {
    const answer = await billing.ask(next, { token: superadmin });
    expect(answer.status).toBe(200);
    pages.push(answer.json.map(({ id }: { id: string }) => id));
    next = nextPage(next, answer);
  }
  return pages;
}

describe("GET /billing/admin/orders", () => {
  it("lists all orders once, page by page, in one order", async () => {
    const { rows } = await billing.database.pool.query(
      "SELECT id FROM orders ORDER BY created_at DESC NULLS FIRST, id DESC",
    );
    const wanted = rows.map(({ id }) => id);
    expect(wanted).toHaveLength(COUNT);
    expect((await idsOf()).map((page) => page.length)).toEqual([1_000, 5]);
    expect((await idsOf(402)).flat()).toEqual(wanted);
    await billing.database.pool.query("DELETE FROM orders WHERE adopted AND length(tenant_id) > 1");
    const few = (await idsOf(2)).flat();
    expect(few).toHaveLength(10);
    expect(few).toEqual(wanted.filter((id) => few.includes(id)));
  });

  it("refuses an invalid limit or cursor", async () => {
    for (const query of ["limit=0", "limit=1001", "cursor=x", "cursor="]) {
      const answer = await billing.ask(`/billing/admin/orders?${query}`, { token: superadmin });
      expect(answer.status).toBe(400);
    }
  });
});

describe("a link to the next page", () => {
  it.each(["/billing/admin/orders?limit=2", "/billing/admin/balances?limit=1"])(
    "returns a next link of %s that works behind a proxy with a path prefix",
    async (path) => {
      for (const user of ["x", "y"]) await placeOrder(billing, user, { plan_id: "free" });
      const server = await startHttpServer({
        handler: express().use("/api", billing.service.app),
        host: "127.0.0.1",
        port: 0,
      });
      try {
        const get = (url: string) => fetch(url, { headers: { authorization: `Bearer ${superadmin}` } });
        const first = await get(`${server.origin}/api${path}`);
        const [, link = ""] = /^<([^>]+)>; rel="next"$/.exec(first.headers.get("link") ?? "") ?? [];
        const second = await get(new URL(link, first.url).href);
        expect([first.status, second.status]).toEqual([200, 200]);
        expect(await second.json()).not.toEqual(await first.json());
      } finally {
        await server.close(0);
      }
    },
  );
});
