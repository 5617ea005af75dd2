import { afterAll, beforeAll, expect, it } from "vitest";
import { type Answer, placeOrder, signToken, startBilling, type TestBilling } from "../../support/billing.ts";

let billing: TestBilling;
let token = "";

beforeAll(async () => {
  billing = await startBilling();
  token = await signToken("root", "superadmin");
  await placeOrder(billing, "salma", { plan_id: "free" });
  // Two at a time, as a batch of checkouts leaves them, and adopted ones that nobody dated.
  await billing.database.pool.query(
    `INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, credit_spent_baisa, created_at, adopted)
     SELECT customer_id, tenant_id, plan_id, 0, 0, 'paid', 0, '2024-02-29 12:00:00.123456+00'::timestamptz + (n / 2) * interval '1 microsecond', false
       FROM orders, generate_series(1, 2300) AS n
     UNION ALL SELECT customer_id, tenant_id, plan_id, 0, 0, 'paid', 0, NULL, true FROM orders, generate_series(1, 3)`,
  );
});
afterAll(() => billing.close());

const list = (query: string): Promise<Answer> => billing.ask(`/billing/admin/orders${query}`, { token });

async function idsOf(query: string): Promise<string[]> {
  const ids: string[] = [];
  for (let next: string | undefined = query; next !== undefined; ) {
    const page: Answer = await list(next);
    expect(page.status).toBe(200);
    ids.push(...page.json.map(({ id }: { id: string }) => id));
    const [, link] = /^<([^>]+)>; rel="next"$/.exec(page.headers.get("link") ?? "") ?? [];
    next = link?.slice(link.indexOf("?"));
  }
  return ids;
}

it.each(["", "?limit=7", "?limit=100", "?limit=999"])(
  "shows every order once, newest first: %s",
  async (query) => {
    const { rows } = await billing.database.pool.query(
      "SELECT id FROM orders ORDER BY created_at DESC, id DESC",
    );
    expect(rows).toHaveLength(2_304);
    expect(await idsOf(query)).toEqual(rows.map(({ id }) => id));
  },
);

it.each([
  "x",
  "2024-02-29_6b1f8a52-0000-4000-8000-000000000000",
  "99999999999999999999_6b1f8a52-0000-4000-8000-000000000000",
  "1.5_6b1f8a52-0000-4000-8000-000000000000",
  "12_6b1f8a52",
])("refuses a cursor that it did not give: %s", async (cursor) => {
  const answer = await list(`?cursor=${cursor}`);
  expect([answer.status, answer.json.code]).toEqual([400, "request_invalid"]);
});

it.each(["-99999999999999999", "99999999999999999", "undated"])(
  "takes any position that a cursor can hold: %s",
  async (at) => {
    expect((await list(`?cursor=${at}_6b1f8a52-0000-4000-8000-000000000000`)).status).toBe(200);
  },
);
