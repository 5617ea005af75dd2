import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningHttpServer, startHttpServer } from "../../../../src/platform/http-server.ts";
import {
  CATALOG,
  issueVoucher,
  placeOrder,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { type StripeServer, startStripeServer } from "../../../support/server/stripe-server.ts";

/** The list of the catalog service. Absent: it is unreachable. */
let listed: typeof CATALOG | undefined = CATALOG;
let catalog: RunningHttpServer;
let stripe: StripeServer;
let instances: TestBilling[] = [];
/** The instances' clock. They cache an answer of the catalog for a second. */
let later = 0;
let run = 0;

beforeAll(async () => {
  catalog = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    handler(request, response) {
      const list = request.url?.replace("/catalog/", "") as keyof typeof CATALOG;
      response.writeHead(listed === undefined ? 503 : 200).end(JSON.stringify(listed?.[list] ?? []));
    },
  });
  stripe = await startStripeServer();
  const env = {
    CATALOG_FILE: "",
    CATALOG_URL: catalog.origin,
    ...stripe.env,
  };
  const now = () => new Date(Date.now() + later);
  const first = await startBilling({ env, now });
  instances = [first, await startBilling({ env, now, database: first.database })];
});

afterAll(async () => {
  for (const instance of instances.toReversed()) await instance.close();
  await Promise.all([catalog.close(0), stripe.close()]);
});

beforeEach(() => {
  run += 1;
  listed = CATALOG;
  later += 2_000;
  stripe.fault = "none";
});

const [first, second] = [() => instances[0] as TestBilling, () => instances[1] as TestBilling];
const order = (instance: TestBilling, body: Record<string, unknown>, key = `key-${run}`) =>
  placeOrder(instance, `again-${run}`, body, { "Idempotency-Key": key });

const sessionsOpened = () => stripe.asked.filter(({ path }) => path === "/v1/checkout/sessions").length;

const WITHOUT_SMALL = { ...CATALOG, plans: CATALOG.plans.filter(({ id }) => id === "free") };
const DEARER = {
  ...CATALOG,
  plans: CATALOG.plans.map(({ id, price_baisa }) => ({ id, price_baisa: price_baisa * 10 + 1_000 })),
};
const CHANGES = [
  ["is unreachable", undefined, 503, "catalog_unavailable"],
  ["has dropped the plan", WITHOUT_SMALL, 422, "plan_unknown"],
  ["has another price", DEARER, 200, undefined],
] as const;

describe.each(CHANGES)("a repeated checkout when the catalog %s", (_what, changed, status, code) => {
  const change = () => {
    listed = changed;
    later += 2_000;
  };

  it("repeats the answer of a placed order", async () => {
    await issueVoucher(first(), `AGAIN-${code}-${run}`.toUpperCase());
    const body = { promo_code: `again-${code}-${run}` };
    const before = await order(first(), body);
    expect([before.status, before.json.credit_balance_baisa]).toEqual([200, 16_000]);
    change();
    for (const instance of instances) {
      const again = await order(instance, body);
      expect([again.status, again.text]).toEqual([200, before.text]);
    }
    // A new request gets the present answer.
    const other = await order(second(), { plan_id: "large" }, "another");
    expect([other.status, other.json.code]).toEqual([status, code]);
  });

  it("repeats the answer of an order whose payment is due", async () => {
    const before = await order(first(), { plan_id: "small" });
    expect([before.status, before.json.session_url]).toEqual([200, expect.any(String)]);
    change();
    const opened = sessionsOpened();
    const again = await order(second(), { plan_id: "small" });
    expect([again.status, again.text, sessionsOpened()]).toEqual([200, before.text, opened]);
  });

  it("creates the payment session that a killed process did not create", async () => {
    stripe.fault = "in-use";
    expect((await order(first(), { plan_id: "small" })).status).toBe(409);
    stripe.fault = "none";
    change();
    const again = await order(second(), { plan_id: "small" });
    expect([again.status, again.json.session_url]).toEqual([200, expect.any(String)]);
    const session = stripe.sessionOf(again.json.order_id);
    expect(session["line_items[0][price_data][unit_amount]"]).toBe("9000");
  });

  it("repeats the refusal of a voucher", async () => {
    const body = { promo_code: "no-such-code" };
    const before = await order(first(), body);
    expect([before.status, before.json.code]).toEqual([404, "voucher_not_found"]);
    change();
    const again = await order(second(), body);
    expect([again.status, again.json.code]).toEqual([404, "voucher_not_found"]);
  });

  it("refuses another body under the same key", async () => {
    await order(first(), { plan_id: "free" });
    change();
    const other = await order(second(), { plan_id: "small" });
    expect([other.status, other.json.code]).toEqual([422, "idempotency_mismatch"]);
  });
});
