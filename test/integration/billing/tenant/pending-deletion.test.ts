import { describe, expect, it } from "vitest";
import { createDatabase } from "../../../../src/billing/db/database.ts";
import { handleTenantDeleted } from "../../../../src/billing/tenant/deletion.ts";
import { TENANT_TOPIC } from "../../../../src/billing/tenant/topic.ts";
import {
  billing,
  books,
  buy,
  EXPIRED,
  openSession,
  PENDING,
  pay,
  rowsOf,
  run,
  stripe,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";

/** A plan of 60 OMR less the voucher of 25. */
const PAID_BY_CARD = 35_000;

useCardPayments();

const deleteTenant = () =>
  handleTenantDeleted(createDatabase(billing.database.pool), TENANT_TOPIC, {
    kind: "tenant.deleted",
    eventId: `deletion-${run}`,
    tenantId: `${user}-shop`,
  });

describe("a tenant that is deleted while its order waits for a card", () => {
  it("restores voucher and credit when the deleted tenant's order has no session yet", async () => {
    stripe.fault = "in-use";
    await buy();
    expect(await books()).toEqual(PENDING);
    expect(await deleteTenant()).toMatchObject({ kind: "handled" });
    expect(await books()).toEqual({ ...PENDING, counter: 0, redemptions: 0, orders: ["failed"] });
  });

  it("starts no subscription when a session of the earlier service completes later, and cancels it at Stripe", async () => {
    const [session, subscription] = [`cs_deleted_${run}`, `sub_deleted_${run}`];
    await rowsOf(
      `WITH c AS (INSERT INTO customers (user_id, tenant_id, email) VALUES ($1, $2, '') RETURNING id)
       INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, status, stripe_session_id, adopted)
       SELECT c.id, s.tenant, 'small', 9, 'pending', s.id, true FROM c, (VALUES ($2, $3), ($2, ''), ('another', '')) AS s (tenant, id)`,
      [user, `${user}-shop`, session],
    );
    expect(await deleteTenant()).toMatchObject({ kind: "handled" });
    const paid = { id: session, payment_status: "paid", amount_total: 9_000, currency: "omr", subscription };
    await billing.ask("/billing/webhook", stripe.event("checkout.session.completed", paid));
    expect(await books()).toMatchObject({ balance: 9_000, events: 0 });
    expect(
      await rowsOf(
        "SELECT o.tenant_id AS tenant, o.status FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = $1 ORDER BY 1, 2",
        [user],
      ),
    ).toEqual([
      { tenant: "another", status: "pending" },
      { tenant: `${user}-shop`, status: "credited" },
      { tenant: `${user}-shop`, status: "pending" },
    ]);
    expect(
      await rowsOf("SELECT status, cancel_due FROM subscriptions WHERE stripe_subscription_id = $1", [
        subscription,
      ]),
    ).toEqual([{ status: "canceled", cancel_due: true }]);
    await billing.service.sweep();
  });

  it("leaves credit and a late payment to the customer of a deleted tenant", async () => {
    const { id } = await openSession();
    expect(await deleteTenant()).toMatchObject({ kind: "handled" });
    expect(await books()).toEqual(EXPIRED);
    await pay(id);
    expect(await books()).toEqual({
      ...EXPIRED,
      orders: ["credited"],
      balance: EXPIRED.balance + PAID_BY_CARD,
    });
    expect(await deleteTenant()).toEqual({ kind: "repeated" });
  });
});
