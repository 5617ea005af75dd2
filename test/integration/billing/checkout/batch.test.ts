import { afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type Answer,
  billing,
  issueVoucher,
  placeOrder,
  startBilling,
  useBilling,
} from "../../../support/builder/billing.ts";

useBilling();

beforeAll(async () => {
  await issueVoucher(billing, "TOGETHER", { credit_omr: 25 });
});
afterEach(() => billing.database.pool.query("DROP TRIGGER IF EXISTS refuse_order ON orders"));

const place = (user: string, body: Record<string, unknown> = {}): Promise<Answer> =>
  placeOrder(billing, user, { promo_code: "TOGETHER", ...body });
const group = (name: string, size: number) => Array.from({ length: size }, (_, index) => `${name}-${index}`);

async function ordersOf(users: string[]): Promise<number> {
  const { rows } = await billing.database.pool.query(
    "SELECT count(*)::int AS n FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = ANY ($1)",
    [users],
  );
  return rows[0].n;
}

describe("concurrent checkouts", () => {
  it("combines concurrent checkouts in fewer database calls", async () => {
    // The calls under way wait for the voucher, so that the other checkouts gather whatever the speed of the machine.
    const holder = await billing.database.pool.connect();
    await holder.query("BEGIN; SELECT 1 FROM promo_codes WHERE code = 'TOGETHER' FOR UPDATE");
    const users = group("many", 60);
    const placing = Promise.all(users.map((user) => place(user)));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await holder.query("COMMIT");
    holder.release();
    const answers = await placing;
    expect(answers.map(({ status }) => status)).toEqual(users.map(() => 200));
    const { rows } = await billing.database.pool.query(
      "SELECT count(DISTINCT o.xmin::text)::int AS transactions FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id LIKE 'many-%'",
    );
    // One call for each checkout would be sixty calls.
    expect(rows[0].transactions).toBeLessThan(30);
  });

  it("completes the other checkouts when the database refuses one of them", async () => {
    await billing.database.pool.query(`
      CREATE OR REPLACE FUNCTION refuse_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.tenant_id = 'cursed' THEN RAISE EXCEPTION 'cursed' USING ERRCODE = 'XX001'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER refuse_order BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse_order()`);
    const users = group("neighbour", 20);
    const [cursed, ...answers] = await Promise.all([
      place("cursed-one", { tenant_id: "cursed" }),
      ...users.map((user) => place(user)),
    ]);
    expect(cursed?.status).toBe(500);
    expect(answers.map(({ status }) => status)).toEqual(users.map(() => 200));
    expect([await ordersOf(["cursed-one"]), await ordersOf(users)]).toEqual([0, 20]);
  });

  it("does not wait for checkouts of customers that another transaction has locked", async () => {
    const heldUsers = group("held", 4);
    await Promise.all(heldUsers.map((user) => place(user)));
    const holder = await billing.database.pool.connect();
    await holder.query("BEGIN; SELECT 1 FROM customers WHERE user_id LIKE 'held-%' FOR UPDATE");
    let isHeldDone = false;
    const users = group("free", 20);
    const held = heldUsers.map(async (user) => {
      const answer = await place(user, { promo_code: "" });
      isHeldDone = true;
      return answer.status;
    });
    try {
      const answers = await Promise.all([...users, ...users].map((user) => place(user)));
      expect(answers.map(({ status }) => status).sort()).toEqual([
        ...Array(20).fill(200),
        ...Array(20).fill(409),
      ]);
      expect(isHeldDone).toBe(false);
    } finally {
      await holder.query("COMMIT");
      holder.release();
    }
    expect(await Promise.all(held)).toEqual(heldUsers.map(() => 200));
  });

  it("keeps the limit of a voucher that becomes active while the call waits for another one", async () => {
    const other = await startBilling({ database: billing.database });
    const holder = await billing.database.pool.connect();
    try {
      for (let round = 0; round < 6; round += 1) {
        const capped = `CAPPED-${round}`;
        await issueVoucher(billing, capped, { max_redemptions: 1 });
        await billing.database.pool.query("UPDATE promo_codes SET deleted_at = now() WHERE code = $1", [
          capped,
        ]);
        // Each batch of two waits for TOGETHER, with the capped one beside it still revoked.
        await holder.query("BEGIN; SELECT 1 FROM promo_codes WHERE code = 'TOGETHER' FOR UPDATE");
        const answers = [billing, other].flatMap((instance, side) => [
          placeOrder(instance, `waits-${round}-${side}`, { promo_code: "TOGETHER", plan_id: "free" }),
          placeOrder(instance, `capped-${round}-${side}`, { promo_code: capped, plan_id: "free" }),
        ]);
        await new Promise((done) => setTimeout(done, 100));
        await billing.database.pool.query("UPDATE promo_codes SET deleted_at = NULL WHERE code = $1", [
          capped,
        ]);
        await holder.query("COMMIT");
        await Promise.all(answers);
        const { rows } = await billing.database.pool.query(
          "SELECT times_redeemed <= 1 AS held FROM promo_codes WHERE code = $1",
          [capped],
        );
        expect(rows).toEqual([{ held: true }]);
      }
    } finally {
      holder.release();
      await other.close();
    }
  });

  it("serves other checkouts while another transaction locks a voucher", async () => {
    await issueVoucher(billing, "HELD-VOUCHER");
    const holder = await billing.database.pool.connect();
    await holder.query("BEGIN; SELECT 1 FROM promo_codes WHERE code = 'HELD-VOUCHER' FOR UPDATE");
    try {
      const stuck = group("stuck", 50).map((user) =>
        placeOrder(billing, user, { promo_code: "HELD-VOUCHER" }),
      );
      await new Promise((done) => setTimeout(done, 5_500));
      const preview = await billing.ask("/billing/vouchers/redeem-preview", { body: { code: "TOGETHER" } });
      expect(preview.status).toBe(200);
      await holder.query("COMMIT");
      const statuses = new Set((await Promise.all(stuck)).map(({ status }) => status));
      expect(statuses.difference(new Set([200, 503])).size).toBe(0);
    } finally {
      holder.release();
    }
  });

  it("causes no deadlock when two instances mix vouchers and customers", async () => {
    const other = await startBilling({ database: billing.database });
    try {
      await issueVoucher(billing, "TOGETHER-B");
      const users = group("cross", 12);
      const asks = users.flatMap((user, index) =>
        [billing, other].flatMap((instance) =>
          ["TOGETHER", "TOGETHER-B"].map((code) => ({ instance, user, code, rank: (index * 7) % 5 })),
        ),
      );
      const answers = await Promise.all(
        asks
          .sort((a, b) => a.rank - b.rank)
          .map(({ instance, user, code }) =>
            placeOrder(instance, user, { plan_id: "free", promo_code: code, tenant_id: `${user}-shop` }),
          ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([
        ...Array(24).fill(200),
        ...Array(24).fill(409),
      ]);
    } finally {
      await other.close();
    }
  });
});
