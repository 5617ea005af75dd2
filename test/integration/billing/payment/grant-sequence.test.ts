import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { issueVoucher, reconcile, signToken } from "../../../support/builder/billing.ts";
import {
  billing,
  cancelOrder,
  pay,
  rowsOf,
  run,
  statusAt,
  stripe,
  tell,
  useCardPayments,
} from "../../../support/builder/card-payment.ts";

useCardPayments();

type Step =
  | {
      kind: "order";
      tenant: number;
      plan: string;
      voucher: number | null;
      fault: "none" | "in-use" | "refuse";
    }
  | { kind: "end"; which: number; by: "cancel" | "expire" | "pay" | "undo" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("order" as const),
    tenant: fc.integer({ min: 1, max: 3 }),
    plan: fc.constantFrom("odd", "odd", "minimum", "tiny", "small"),
    voucher: fc.option(fc.integer({ min: 1, max: 3 })),
    fault: fc.constantFrom("none", "none", "none", "none", "in-use", "refuse"),
  }),
  fc.record({
    kind: fc.constant("end" as const),
    which: fc.constantFrom(0, 1, 1, 2, 3, 4),
    by: fc.constantFrom("cancel", "cancel", "expire", "pay", "undo"),
  }),
);

/** A customer's balance, and what it is without the orders that wait for their payment. */
async function balanceOf(name: string): Promise<{ baisa: number; settled: number }> {
  const [row] = await rowsOf(
    `SELECT c.balance_baisa::int AS baisa,
            (SELECT sum(e.amount_baisa)::int FROM credit_ledger e LEFT JOIN orders o ON o.id::text = e.order_id
              WHERE e.customer_id = c.id AND o.status IS DISTINCT FROM 'pending') AS settled
       FROM customers c WHERE c.user_id = $1`,
    [name],
  );
  return { baisa: Number(row?.baisa), settled: Number(row?.settled) };
}

/** Leaves a balance of 0 if the debt was at most as large as the voucher. */
const payingOff: Step[][] = [
  [{ kind: "order", tenant: 1, plan: "small", voucher: 3, fault: "none" }],
  [{ kind: "end", which: 0, by: "pay" }],
];
/** After that, another order spends the rest of a voucher whose order is then canceled. */
const spendingTheRest: Step[][] = [
  ...payingOff,
  [{ kind: "order", tenant: 2, plan: "odd", voucher: 1, fault: "none" }],
  [{ kind: "order", tenant: 3, plan: "small", voucher: null, fault: "none" }],
  [{ kind: "end", which: 1, by: "cancel" }],
];
const waves = fc
  .tuple(
    fc.constantFrom([], payingOff),
    fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 7 }),
  )
  .map(([before, after]) => [...before, ...after]);

const isFaulty = (one: Step) => one.kind === "order" && one.fault !== "none";

describe("any sequence of orders and their ends", () => {
  it("never lowers a balance below zero and the unpaid part of an earlier debt, and keeps the books in agreement", async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(0, 0, -500, -1_990), waves, async (debt, waves) => {
        count += 1;
        const name = `any-${run}-${count}`;
        const token = await signToken(name);
        await rowsOf(
          `WITH c AS (INSERT INTO customers (user_id, tenant_id, email, balance_baisa, balance_floor_baisa) VALUES ($1, '', '', $2, $2) RETURNING id)
             INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, reason, adopted) SELECT id, trunc($2 / 1000.0), $2, '', true FROM c`,
          [name, debt],
        );
        for (const index of [1, 2, 3])
          await issueVoucher(billing, `${name}-${index}`, { credit_omr: index, max_redemptions: 1 });
        const take = async (one: Step) => {
          if (one.kind === "order") {
            stripe.fault = one.fault;
            const voucher = one.voucher === null ? "" : `${name}-${one.voucher}`;
            const body = { plan_id: one.plan, tenant_id: `${name}-${one.tenant}`, promo_code: voucher };
            const answer = await billing.ask("/billing/checkout", { token, body });
            stripe.fault = "none";
            expect(answer.status, answer.text).not.toBe(500);
            return;
          }
          const orders = await rowsOf(
            "SELECT o.id, o.stripe_session_id AS session FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = $1 ORDER BY o.created_at DESC, o.id",
            [name],
          );
          const order = orders[one.which % Math.max(orders.length, 1)];
          if (order === undefined) return;
          if (one.by === "cancel") await cancelOrder(order.id, name);
          if (one.by === "undo") await rowsOf("SELECT billing_undo_order($1)", [order.id]);
          const session = typeof order.session === "string" ? order.session : undefined;
          if (session === undefined || statusAt(session) !== "open") return;
          if (one.by === "pay") await pay(session);
          if (one.by === "expire") {
            stripe.setSession(session, { status: "expired" });
            await tell("checkout.session.expired", session);
          }
        };
        let unpaid = Math.min(0, debt);
        for (const wave of waves) {
          // A fault of Stripe meets only the order that is meant.
          const [alone, together] = [wave.filter(isFaulty), wave.filter((one) => !isFaulty(one))];
          for (const one of alone) await take(one);
          await Promise.all(together.map(take));
          const { baisa, settled } = await balanceOf(name);
          // What an order leaves that can no longer be undone pays the debt off for good.
          unpaid = Math.min(0, Math.max(unpaid, settled));
          expect(baisa).toBeGreaterThanOrEqual(unpaid);
        }
        expect(await reconcile(billing)).toEqual([]);
      }),
      { numRuns: 60, endOnFailure: true, examples: [[-1_990, spendingTheRest]] },
    );
  }, 120_000);
});
