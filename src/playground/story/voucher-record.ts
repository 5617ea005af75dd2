import { Client } from "pg";
import { expectThat } from "./expectation.ts";

/** What a Sovereign's database has recorded for a voucher and a customer. */
export interface VoucherRecord {
  times_redeemed: number;
  redemptions: number;
  /** Sum of the customer's ledger. */
  ledger_baisa: number;
}

export async function readVoucherRecord(
  databaseUrl: string,
  code: string,
  userId: string,
): Promise<VoucherRecord> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<VoucherRecord>(
      `SELECT p.times_redeemed,
              (SELECT count(*)::int FROM promo_redemptions r WHERE r.code = p.code) AS redemptions,
              (SELECT sum(l.amount_baisa)::int FROM credit_ledger l
                 JOIN customers c ON c.id = l.customer_id WHERE c.user_id = $2) AS ledger_baisa
         FROM promo_codes p WHERE p.code = $1`,
      [code, userId],
    );
    expectThat(rows[0] !== undefined, `promo_codes has a row for ${code}`);
    return rows[0];
  } finally {
    await client.end();
  }
}
