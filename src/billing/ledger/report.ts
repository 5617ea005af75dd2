import type { Database } from "../db/database.ts";
import { omrOfBaisa } from "../voucher/voucher.ts";

/** Redemptions and balances, for the administrators' page. */
export interface ReportService {
  /** The last `days` days in UTC, with today last. Days without a redemption are included. */
  redemptions(days: number): Promise<RedemptionDay[]>;
  /**
   * Customers in the order of their ids. Balances may change between two pages, and a list in the order of balances would
   * then skip or repeat customers. `after` is the id of the last customer on the page before.
   */
  balances(limit: number, after?: string): Promise<{ balances: CustomerBalance[]; next?: string }>;
}

interface RedemptionDay {
  date: string;
  redemptions: number;
  granted_baisa: number;
  granted_omr: number;
}

interface CustomerBalance {
  customer_id: string;
  user_id: string;
  email: string;
  credit_baisa: number;
  credit_omr: number;
}

/** The nil UUID, which no customer has. */
const BEFORE_ALL = "00000000-0000-0000-0000-000000000000";

export function createReportService(deps: { database: Database }): ReportService {
  const { database } = deps;
  return {
    async redemptions(days) {
      // An adopted redemption counts too; what it granted was never recorded.
      const rows = await database.query<Omit<RedemptionDay, "granted_omr">>({
        name: "redemptions-by-day",
        text: `WITH span AS (SELECT (now() AT TIME ZONE 'UTC')::date AS today),
                    by_day AS (
                      SELECT (e.created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS redemptions,
                             coalesce(sum(e.amount_baisa), 0) AS granted
                        FROM promo_redemptions e, span
                       WHERE e.created_at >= (span.today - ($1::int - 1))::timestamp AT TIME ZONE 'UTC'
                       GROUP BY 1)
               SELECT to_char(span.today - ago, 'YYYY-MM-DD') AS date, coalesce(by_day.redemptions, 0)::int AS redemptions,
                      coalesce(by_day.granted, 0)::float8 AS granted_baisa
                 FROM span CROSS JOIN generate_series($1::int - 1, 0, -1) AS ago
                 LEFT JOIN by_day ON by_day.day = span.today - ago
                ORDER BY ago DESC`,
        values: [days],
      });
      return rows.map((row) => ({ ...row, granted_omr: omrOfBaisa(row.granted_baisa) }));
    },

    async balances(limit, after) {
      const rows = await database.query<Omit<CustomerBalance, "credit_omr">>({
        name: "balances",
        text: `SELECT c.id AS customer_id, coalesce(c.user_id, '') AS user_id, coalesce(c.email, '') AS email,
                      c.balance_baisa::float8 AS credit_baisa
                 FROM customers c
                WHERE c.id > $2::uuid ORDER BY c.id LIMIT $1`,
        values: [limit + 1, after ?? BEFORE_ALL],
      });
      const balances = rows
        .slice(0, limit)
        .map((row) => ({ ...row, credit_omr: omrOfBaisa(row.credit_baisa) }));
      const last = balances.at(-1);
      return rows.length > limit && last !== undefined ? { balances, next: last.customer_id } : { balances };
    },
  };
}
