import { createHttpClient, requestOf } from "../http-connection.ts";
import type { LibPqPool } from "./lib-pq.ts";

/** The statements that the earlier service runs for a request, without its HTTP server, tokens and broker. */
export interface EarlierSequence {
  /** A checkout with a voucher that covers the order. */
  checkout(order: { userId: string; tenantId: string; planId: string; code: string }): Promise<void>;
  /** False when the code does not exist. */
  preview(code: string): Promise<boolean>;
  close(): void;
}

const PLANS = requestOf("GET", "/catalog/plans");

export function createEarlierSequence(deps: { pool: LibPqPool; neighbourPort: number }): EarlierSequence {
  const { pool, neighbourPort } = deps;
  const neighbour = createHttpClient(neighbourPort);

  async function get(request: Buffer): Promise<unknown> {
    return JSON.parse((await neighbour.send(request)).body);
  }

  async function findOrCreateCustomer(userId: string, tenantId: string): Promise<string> {
    const [known] = await pool.query(
      "SELECT id, user_id, tenant_id, COALESCE(stripe_customer_id, ''), email, created_at FROM customers WHERE user_id = $1",
      [userId],
    );
    const [row] = known
      ? [known]
      : await pool.query(
          "INSERT INTO customers (user_id, tenant_id, email) VALUES ($1, $2, $3) RETURNING id",
          [userId, tenantId, `${userId}@example.om`],
        );
    return row?.[0] ?? "";
  }

  async function redeem(customerId: string, code: string): Promise<void> {
    await pool.transaction(async (transaction) => {
      const [promo] = await transaction.query(
        `SELECT code, credit_omr, description, active, max_redemptions, times_redeemed FROM promo_codes
          WHERE code = $1 AND deleted_at IS NULL FOR UPDATE`,
        [code],
      );
      const [edges] = await transaction.query(
        "SELECT COUNT(*) FROM promo_redemptions WHERE customer_id = $1 AND code = $2",
        [customerId, code],
      );
      if (promo === undefined || edges?.[0] !== "0") throw new Error(`${code} cannot be redeemed`);
      await transaction.query("INSERT INTO promo_redemptions (customer_id, code) VALUES ($1, $2)", [
        customerId,
        code,
      ]);
      await transaction.query("UPDATE promo_codes SET times_redeemed = times_redeemed + 1 WHERE code = $1", [
        code,
      ]);
      await transaction.query(
        "INSERT INTO credit_ledger (customer_id, amount_omr, reason) VALUES ($1, $2, $3)",
        [customerId, Number(promo[1]), `promo:${code}`],
      );
    });
  }

  return {
    async checkout({ userId, tenantId, planId, code }) {
      const customerId = await findOrCreateCustomer(userId, tenantId);
      const plans = (await get(PLANS)) as { id: string; price_omr: number }[];
      const priceOmr = plans.find(({ id }) => id === planId)?.price_omr ?? Number.NaN;
      await redeem(customerId, code);
      const [sum] = await pool.query(
        "SELECT COALESCE(SUM(amount_omr), 0) FROM credit_ledger WHERE customer_id = $1",
        [customerId],
      );
      if (Number(sum?.[0]) < priceOmr) throw new Error("the credit does not cover the order");
      await pool.transaction(async (transaction) => {
        const [order] = await transaction.query(
          `INSERT INTO orders (customer_id, tenant_id, plan_id, apps, addons, amount_omr, amount_baisa, status, promo_code)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`,
          [
            customerId,
            tenantId,
            planId,
            '["wordpress"]',
            "[]",
            priceOmr,
            priceOmr * 1_000,
            "completed",
            code,
          ],
        );
        const orderId = order?.[0] ?? "";
        await transaction.query(
          "INSERT INTO credit_ledger (customer_id, amount_omr, reason, order_id) VALUES ($1, $2, $3, $4)",
          [customerId, -priceOmr, `order:${orderId}`, orderId],
        );
        await transaction.query(
          "INSERT INTO subscriptions (customer_id, tenant_id, plan_id, status) VALUES ($1, $2, $3, $4) RETURNING id",
          [customerId, tenantId, planId, "active"],
        );
      });
      await get(requestOf("GET", `/tenants/${tenantId}`));
    },

    async preview(code) {
      const [row] = await pool.query(
        `SELECT code, credit_omr, description, active, max_redemptions, times_redeemed FROM promo_codes
          WHERE code = $1 AND deleted_at IS NULL`,
        [code],
      );
      return row !== undefined;
    },

    close: () => neighbour.close(),
  };
}
