import { describe, expect, it } from "vitest";
import { issueVoucher, signToken } from "../../../support/builder/billing.ts";
import {
  balanceOf,
  code,
  first,
  giveCredit,
  hold,
  holdCustomer,
  holdVoucher,
  key,
  named,
  order,
  rowsOf,
  second,
  useTwoInstances,
  waiting,
} from "../../../support/suite/two-instances.ts";

useTwoInstances();

describe("a customer's balance", () => {
  it("spends a balance once when one order waits for a voucher and another instance orders", async () => {
    await giveCredit("spender", 9);
    await issueVoucher(first, code, { credit_omr: 1 });
    const held = await holdVoucher();
    const waits = order(first, "spender", { plan_id: "small", promo_code: code });
    await waiting(1);
    const comesLater = order(second, "spender", { plan_id: "small" });
    await waiting(2);
    await held.release();
    expect([(await waits).status, (await comesLater).status]).toEqual([200, 503]);
    expect(await balanceOf("spender")).toBe(1_000);
  });

  it("spends a balance once when orders of two instances wait for the customer", async () => {
    await giveCredit("spender", 9);
    const held = await holdCustomer("spender");
    const orders = [first, second].map((instance) => order(instance, "spender", { plan_id: "small" }));
    await waiting(2);
    await held.release();
    expect((await Promise.all(orders)).map(({ status }) => status).sort()).toEqual([200, 503]);
    expect(await balanceOf("spender")).toBe(0);
  });
});

describe("a voucher's last redemption", () => {
  it("gives the last redemption to one of two customers on two instances", async () => {
    await issueVoucher(first, code, { max_redemptions: 1 });
    const held = await holdVoucher();
    const orders = [first, second].map((instance, side) =>
      order(instance, `last-${side}`, { promo_code: code }),
    );
    await waiting(2);
    await held.release();
    expect((await Promise.all(orders)).map(({ status }) => status).sort()).toEqual([200, 410]);
    expect(await rowsOf("SELECT times_redeemed FROM promo_codes WHERE code = $1", [code])).toEqual([
      { times_redeemed: 1 },
    ]);
  });
});

describe("a customer or tenant that is created at the same moment", () => {
  it("serves a customer that another instance has just created", async () => {
    const held = await hold("INSERT INTO customers (user_id, tenant_id, email) VALUES ($1, '', '')", [
      named("newcomer"),
    ]);
    const placed = order(first, "newcomer");
    await waiting(1);
    await held.release();
    expect((await placed).status).toBe(200);
  });

  it.each([
    ["COMMIT", 403],
    ["ROLLBACK", 200],
  ] as const)(
    "decides after another transaction that claims the tenant ends with %s",
    async (end, status) => {
      await order(first, "owner");
      const held = await hold(
        "INSERT INTO tenants (tenant_id, customer_id) SELECT $2, id FROM customers WHERE user_id = $1",
        [named("owner"), named("wanted")],
      );
      const placed = order(first, "wants", { tenant_id: named("wanted") });
      await waiting(1);
      await held.release(end);
      expect((await placed).status).toBe(status);
      expect(
        await rowsOf(
          "SELECT c.user_id FROM tenants t JOIN customers c ON c.id = t.customer_id WHERE t.tenant_id = $1",
          [named("wanted")],
        ),
      ).toEqual([{ user_id: named(end === "COMMIT" ? "owner" : "wants") }]);
    },
  );

  it("assigns a tenant whose only order is undone while the call waits for its voucher", async () => {
    await order(first, "gives-up", { tenant_id: named("passed-on") });
    await issueVoucher(first, code);
    const held = await holdVoucher();
    const placed = order(first, "takes-over", { tenant_id: named("passed-on"), promo_code: code });
    await waiting(1);
    await rowsOf("DELETE FROM tenants WHERE tenant_id = $1", [named("passed-on")]);
    await held.release();
    expect((await placed).status).toBe(200);
  });

  it("refuses an order that loses its tenant twice", async () => {
    await order(first, "gives-up", { tenant_id: named("passed-on") });
    await giveCredit("takes-over", 1);
    await issueVoucher(first, code);
    const customer = await holdCustomer("takes-over");
    const placed = order(first, "takes-over", { tenant_id: named("passed-on"), promo_code: code });
    await waiting(1, customer.pid);
    const voucher = await holdVoucher();
    await customer.release();
    await waiting(1, voucher.pid);
    await rowsOf("DELETE FROM tenants WHERE tenant_id = $1", [named("passed-on")]);
    await voucher.release();
    const answer = await placed;
    expect([answer.status, answer.json.code]).toEqual([403, "tenant_not_yours"]);
  });

  it("claims no tenant for an order that is refused after it waited for its customer", async () => {
    await giveCredit("refused", 1);
    const held = await holdCustomer("refused");
    const refused = order(first, "refused", { tenant_id: named("open"), promo_code: "NO-SUCH" });
    await waiting(1);
    await held.release();
    expect((await refused).status).toBe(404);
    expect((await order(first, "other", { tenant_id: named("open") })).status).toBe(200);
  });
});

describe("two calls that create the same customers and tenants", () => {
  it.each([
    ["customers", "user_id"],
    ["tenants", "tenant_id"],
  ])("causes no deadlock on their %s in any order", async (table, column) => {
    const names = ["a", "b"];
    // Each row takes a while, so that the calls overlap.
    await rowsOf(`
      CREATE OR REPLACE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$;
      CREATE TRIGGER linger BEFORE INSERT ON ${table} FOR EACH ROW WHEN (NEW.${column} LIKE 'meets-%') EXECUTE FUNCTION linger()`);
    try {
      const ask = (list: string[]) =>
        rowsOf("SELECT line, outcome FROM billing_checkout($1, 'x', '{organization}', NULL, false, 0)", [
          JSON.stringify(
            list.map((name, line) => ({
              line,
              user_id: `meets-${named(table === "customers" ? name : `${name}-${list[0]}`)}`,
              email: "",
              tenant_id: `meets-${named(table === "tenants" ? name : `${name}-${list[0]}`)}`,
              tenant_member: true,
              plan_id: "free",
              apps: [],
              addons: [],
              total_baisa: 0,
            })),
          ),
        ]);
      const calls = await Promise.allSettled([ask(names), ask(names.toReversed())]);
      expect(calls.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
    } finally {
      await rowsOf(`DROP TRIGGER linger ON ${table}`);
    }
  });
});

describe("an Idempotency-Key that is in flight", () => {
  it("serves another user with the same key while a request is in flight", async () => {
    await giveCredit("slow", 9);
    const held = await holdCustomer("slow");
    const waits = order(first, "slow", {}, key("same"));
    await waiting(1);
    expect((await order(second, "quick", {}, key("same"))).status).toBe(200);
    await held.release();
    expect((await waits).status).toBe(200);
  });

  it("makes another key of the same user wait while a request is in flight", async () => {
    await giveCredit("slow", 9);
    const held = await holdCustomer("slow");
    const orders = [first, second].map((instance, side) => order(instance, "slow", {}, key(`key-${side}`)));
    await waiting(2);
    await held.release();
    expect((await Promise.all(orders)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it("refuses the same key at once on another instance, and places nothing there", async () => {
    await giveCredit("slow", 9);
    const held = await holdCustomer("slow");
    const waits = order(first, "slow", { plan_id: "small" }, key("once"));
    await waiting(1);
    const again = await order(second, "slow", { plan_id: "small" }, key("once"));
    expect([again.status, again.json.code]).toEqual([409, "idempotency_in_flight"]);
    await held.release();
    const placed = await waits;
    expect([placed.status, (await order(second, "slow", { plan_id: "small" }, key("once"))).text]).toEqual([
      200,
      placed.text,
    ]);
    expect(await balanceOf("slow")).toBe(0);
  });

  it("refuses a checkout while an issue holds the same key", async () => {
    await issueVoucher(first, code);
    const token = await signToken(named("both"), "sovereign-admin");
    const held = await holdVoucher();
    const issued = first.ask("/billing/vouchers/issue", {
      token,
      body: { code, credit_omr: 3 },
      headers: key("everywhere"),
    });
    await waiting(1);
    const answer = await order(second, "both", {}, key("everywhere"));
    expect([answer.status, answer.json.code]).toEqual([409, "idempotency_in_flight"]);
    await held.release();
    expect((await issued).status).toBe(200);
  });
});
