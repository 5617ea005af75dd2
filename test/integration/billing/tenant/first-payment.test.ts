import { describe, expect, it } from "vitest";
import {
  CATALOG,
  issueVoucher,
  placeOrder,
  signToken,
  useBillings,
} from "../../../support/builder/billing.ts";
import {
  becomeCustomer,
  billing,
  books,
  buy,
  CANCELED,
  openSession,
  pay,
  rowsOf,
  run,
  stripe,
  tell,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";

useCardPayments();
const start = useBillings();

const ownerOf = async (tenant: string) =>
  (
    await rowsOf(
      "SELECT c.user_id FROM tenants t JOIN customers c ON c.id = t.customer_id WHERE t.tenant_id = $1",
      [tenant],
    )
  )[0]?.user_id;

const readAs = async (name: string, tenant: string) =>
  (await billing.ask(`/billing/subscription/${tenant}`, { token: await signToken(name) })).status;

describe("a tenant that several customers order for", () => {
  it("gives a tenant no owner while its orders wait for a payment", async () => {
    const tenant = `open-${run}`;
    const { id } = await openSession({ tenant_id: tenant });
    expect([await ownerOf(tenant), await readAs(user, tenant)]).toEqual([undefined, 404]);
    const stranger = await placeOrder(billing, `stranger-${run}`, {
      plan_id: "large",
      tenant_id: tenant,
    });
    expect(stranger.status).toBe(200);
    await pay(id);
    expect([await ownerOf(tenant), await readAs(user, tenant)]).toEqual([user, 200]);
    const late = await placeOrder(billing, `later-${run}`, { plan_id: "large", tenant_id: tenant });
    expect([late.status, late.json.code]).toEqual([403, "tenant_not_yours"]);
  });

  it.each(["checkout.session.expired", "checkout.session.async_payment_failed"])(
    "is free for another customer after %s",
    async (type) => {
      const tenant = `free-${run}`;
      const { id } = await openSession({ tenant_id: tenant });
      stripe.setSession(id, { status: "expired" });
      await tell(type, id);
      await issueVoucher(billing, `NEXT-${run}`, { credit_omr: 60 });
      const next = await placeOrder(billing, `next-${run}`, {
        plan_id: "large",
        tenant_id: tenant,
        promo_code: `NEXT-${run}`,
      });
      expect([next.json.paid_by_credit, await ownerOf(tenant)]).toEqual([true, `next-${run}`]);
    },
  );

  it("gives a tenant to the customer of a free order, for which nothing is left to pay", async () => {
    const free = await start({ database: billing.database, files: { CATALOG_FILE: CATALOG } });
    const tenant = `gratis-${run}`;
    // A card order that waits claims nothing, so the free order is the first one that counts.
    await openSession({ tenant_id: tenant });
    const first = await placeOrder(free, `gratis-owner-${run}`, { plan_id: "free", tenant_id: tenant });
    expect([first.json.paid_by_credit, await ownerOf(tenant)]).toEqual([true, `gratis-owner-${run}`]);
    const late = await placeOrder(free, `gratis-late-${run}`, { plan_id: "free", tenant_id: tenant });
    expect([late.status, late.json.code]).toEqual([403, "tenant_not_yours"]);
    expect(await readAs(`gratis-owner-${run}`, tenant)).toBe(200);
  });

  it("gives a tenant to the customer who pays first, and turns the later payment into credit", async () => {
    const tenant = `raced-${run}`;
    const { id: first } = await openSession({ tenant_id: tenant });
    const slow = user;
    becomeCustomer(`faster-${run}`);
    const { id: second } = await openSession({ tenant_id: tenant, promo_code: "" });
    await pay(second);
    expect(await books()).toMatchObject({ orders: ["paid"], subscriptions: 1, events: 1 });
    becomeCustomer(slow);
    await pay(first);
    // The credit that the order had reserved, and the card payment.
    expect(await books()).toEqual({
      counter: 1,
      redemptions: 1,
      balance: 60_000,
      orders: ["credited"],
      subscriptions: 0,
      events: 0,
    });
    expect(await ownerOf(tenant)).toBe(`faster-${run}`);
  });

  it("accepts no payment in vain: the sweeper closes the other sessions and releases their credit and vouchers", async () => {
    const tenant = `outpaid-${run}`;
    const { id: slow } = await openSession({ tenant_id: tenant });
    const slower = user;
    becomeCustomer(`first-${run}`);
    await pay((await openSession({ tenant_id: tenant, promo_code: "" })).id);
    await billing.service.sweep();
    becomeCustomer(slower);
    expect([stripe.describe(slow).status, await books()]).toEqual(["expired", CANCELED]);
  });

  it("shows its owner no invoice of a customer whose payment became credit, before or after it did", async () => {
    const tenant = `billed-${run}`;
    const { id: slow } = await openSession({ tenant_id: tenant });
    const slower = user;
    becomeCustomer(`billed-first-${run}`);
    const { id: fast } = await openSession({ tenant_id: tenant, promo_code: "" });
    const invoicesAs = async (name: string) =>
      (await billing.ask(`/billing/invoices/${tenant}`, { token: await signToken(name) })).json;
    const invoice = (session: string) =>
      billing.ask(
        "/billing/webhook",
        stripe.event("invoice.paid", {
          ...{ id: `in_${session}`, total: 60_000, currency: "omr", status: "paid" },
          metadata: { order_id: stripe.describe(session).client_reference_id },
        }),
      );
    await invoice(fast);
    await pay(fast);
    await invoice(slow);
    const own = [expect.objectContaining({ stripe_invoice_id: `in_${fast}` })];
    expect(await invoicesAs(user)).toEqual(own);
    await pay(slow);
    expect(await invoicesAs(user)).toEqual(own);
    expect(await invoicesAs(slower)).toMatchObject({ code: "tenant_not_found" });
  });

  it("assigns a tenant to one of two customers whose payments arrive at the same time", async () => {
    const tenant = `together-${run}`;
    const { id: first } = await openSession({ tenant_id: tenant });
    becomeCustomer(`beside-${run}`);
    const { id: second } = await openSession({ tenant_id: tenant, promo_code: "" });
    await Promise.all([pay(first), pay(second)]);
    expect(await rowsOf("SELECT status FROM orders WHERE tenant_id = $1 ORDER BY status", [tenant])).toEqual([
      { status: "credited" },
      { status: "paid" },
    ]);
  });

  it("keeps a tenant's owner when another customer's order for it was opened before", async () => {
    const tenant = `kept-${run}`;
    await openSession({ tenant_id: tenant });
    stripe.fault = "refuse";
    expect((await buy({ tenant_id: tenant, plan_id: "small" })).status).toBe(502);
    stripe.fault = "none";
    becomeCustomer(`owner-${run}`);
    await pay((await openSession({ tenant_id: tenant, promo_code: "" })).id);
    expect(await ownerOf(tenant)).toBe(user);
  });
});
