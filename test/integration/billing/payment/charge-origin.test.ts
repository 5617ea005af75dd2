import { describe, expect, it } from "vitest";
import { FQDN } from "../../../support/builder/billing.ts";
import {
  becomeCustomer,
  billing,
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

const metadataIn = (fields: Record<string, string>, prefix: string) =>
  Object.fromEntries(
    ["sovereign", "order_id", "tenant_id", "plan_id"].map((name) => [name, fields[`${prefix}[${name}]`]]),
  );

/** The requests about customers that a sweep sends to Stripe. */
async function swept() {
  const before = stripe.asked.length;
  await billing.service.sweep();
  return stripe.asked.slice(before).filter(({ path }) => path.startsWith("/v1/customers/"));
}

describe("every charge", () => {
  it("names its origin on session, payment intent, invoice and customer", async () => {
    const session = await openSession();
    const origin = {
      sovereign: FQDN,
      order_id: session.client_reference_id,
      tenant_id: `${user}-shop`,
      plan_id: "large",
    };
    for (const prefix of [
      "metadata",
      "payment_intent_data[metadata]",
      "invoice_creation[invoice_data][metadata]",
    ])
      expect(metadataIn(session, prefix), prefix).toEqual(origin);
    expect(await swept()).toEqual([]);
    await pay(session.id);
    const [named, ...more] = await swept();
    expect([named?.path, more]).toEqual([`/v1/customers/${stripe.describe(session.id).customer}`, []]);
    expect(metadataIn(named?.fields ?? {}, "metadata")).toEqual(origin);
    // A repeated event causes no further request.
    await tell("checkout.session.completed", session.id, { id: `evt_again_${run}` });
    expect(await swept()).toEqual([]);
  });

  it("names a customer again for each payment, and for one that became credit", async () => {
    const first = await openSession({ promo_code: "" });
    await pay(first.id);
    await swept();
    const second = await openSession({ promo_code: "", plan_id: "small" });
    await tell("checkout.session.expired", second.id);
    await pay(second.id);
    const [named] = await swept();
    expect(named?.fields["metadata[order_id]"]).toBe(second.client_reference_id);
  });

  it("names a customer by the latest of several orders, once", async () => {
    for (const plan_id of ["large", "small", "large", "small"]) {
      const { id } = await openSession({ promo_code: "", plan_id });
      await pay(id);
    }
    const [latest] = await rowsOf(
      "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = $1 ORDER BY o.created_at DESC LIMIT 1",
      [user],
    );
    const named = await swept();
    expect(named.map(({ fields }) => fields["metadata[order_id]"])).toEqual([latest?.id]);
    expect(await swept()).toEqual([]);
  });

  it("names the customer later when Stripe is unreachable, and skips one that is deleted or refused", async () => {
    const session = await openSession();
    await pay(session.id);
    stripe.fault = "away";
    await expect(billing.service.sweep()).rejects.toThrow();
    stripe.fault = "none";
    expect(await swept()).toHaveLength(1);
    for (const prepare of [
      (id: string) => void stripe.goneCustomers.add(id),
      () => {
        stripe.fault = "refuse";
      },
    ]) {
      const { id } = await openSession({ promo_code: "", plan_id: "small" });
      await pay(id);
      prepare(String(stripe.describe(id).customer));
      expect(await swept()).toHaveLength(1);
      stripe.fault = "none";
      expect(await swept()).toEqual([]);
    }
  });

  it("names the customer of a session that the earlier service opened", async () => {
    becomeCustomer(`earlier-${run}`);
    await rowsOf(
      `WITH c AS (INSERT INTO customers (user_id, tenant_id, email) VALUES ($1, 'old', 'old@example.om') RETURNING id)
       INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, stripe_session_id, adopted)
       SELECT id, 'old', 'small', 9, 0, 'pending', $2, true FROM c`,
      [user, `cs_earlier_${run}`],
    );
    const session = {
      ...{ id: `cs_earlier_${run}`, payment_status: "paid", amount_total: 9_000, currency: "omr" },
      customer: `cus_earlier_${run}`,
    };
    await billing.ask("/billing/webhook", stripe.event("checkout.session.completed", session));
    const [named] = await swept();
    expect(named?.path).toBe(`/v1/customers/cus_earlier_${run}`);
    expect(named?.fields).toMatchObject({ "metadata[sovereign]": FQDN, "metadata[tenant_id]": "old" });
  });
});
