import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeOrder, signToken, startBilling, type TestBilling } from "../../../support/builder/billing.ts";
import { type AnsweringServer, startAnsweringServer } from "../../../support/server/answering-server.ts";

let tenants: AnsweringServer;
let billing: TestBilling;
beforeAll(async () => {
  tenants = await startAnsweringServer();
  billing = await startBilling({ env: { TENANT_URL: tenants.origin } });
  tenants.answers["/tenants/shop/members"] = { body: [{ user_id: "noor" }] };
  expect((await placeOrder(billing, "salma", { plan_id: "free", tenant_id: "shop" })).status).toBe(200);
});
afterAll(async () => {
  await billing.close();
  await tenants.close();
});

const read = async (path: string, user: string) => {
  const { status, json } = await billing.ask(path, { token: await signToken(user) });
  return [status, json.code ?? json.plan_id ?? json.length];
};

describe("a tenant's subscription and invoices", () => {
  it.each(["salma", "noor"])(
    "shows them to %s, the customer or a member that the tenant service names",
    async (user) => {
      expect(await read("/billing/subscription/shop", user)).toEqual([200, "free"]);
      expect(await read("/billing/invoices/shop", user)).toEqual([200, 0]);
    },
  );

  it("returns nothing to other users, and nothing for an unknown tenant", async () => {
    expect(await read("/billing/subscription/shop", "ali")).toEqual([404, "tenant_not_found"]);
    const asked = tenants.asked.length;
    expect(await read("/billing/subscription/nobodys", "ali")).toEqual([404, "tenant_not_found"]);
    expect(tenants.asked.length).toBe(asked);
  });

  it("returns 503 to a member and the data to the customer while the tenant service fails", async () => {
    tenants.answers["/tenants/shop/members"] = { status: 500 };
    expect(await read("/billing/subscription/shop", "noor")).toEqual([503, "tenant_service_unavailable"]);
    expect(await read("/billing/subscription/shop", "salma")).toEqual([200, "free"]);
  });
});
