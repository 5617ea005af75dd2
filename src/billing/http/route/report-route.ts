import Type from "typebox";
import { WRITTEN_UUID } from "../../db/uuid.ts";
import type { ReportService } from "../../ledger/report.ts";
import { ADMINS, json, type Operation, operation, SUPERADMIN } from "../operation.ts";
import { cursorError, NEXT_PAGE, nextPageHeaders, pageQuery, parameterError, parseLimit } from "../paging.ts";
import { BalancesAnswer, RedemptionDaysAnswer } from "../schema/report.ts";

const DEFAULT_DAYS = 30;
const MAX_DAYS = 366;

/** The reports of the administrators' page. Redemptions are open to all administrators, balances only to superadmins. */
export function reportOperations(deps: { reports: ReportService }): Operation[] {
  const { reports } = deps;
  return [
    operation({
      id: "listRedemptions",
      method: "get",
      path: "/billing/admin/redemptions",
      summary: "Redemptions and granted credit for each of the last days, in UTC, with today last",
      access: ADMINS,
      query: {
        days: Type.Integer({
          minimum: 1,
          maximum: MAX_DAYS,
          default: DEFAULT_DAYS,
          description: "The number of days, including today.",
        }),
      },
      answers: { 200: RedemptionDaysAnswer },
      handle: async ({ query }) => json(await reports.redemptions(parseDays(query.days))),
    }),
    operation({
      id: "listBalances",
      method: "get",
      path: "/billing/admin/balances",
      summary: "Customers and their credit, in the order of their ids",
      access: SUPERADMIN,
      query: pageQuery,
      answers: { 200: BalancesAnswer },
      answerHeaders: NEXT_PAGE,
      async handle({ query }) {
        const limit = parseLimit(query.limit);
        const { cursor } = query;
        if (cursor !== undefined && !WRITTEN_UUID.test(cursor)) throw cursorError();
        const { balances, next } = await reports.balances(limit, cursor);
        return json(balances, 200, nextPageHeaders({ limit, cursor: next }));
      },
    }),
  ];
}

function parseDays(text: string | undefined): number {
  if (text === undefined) return DEFAULT_DAYS;
  const days = Number(text);
  if (!/^\d{1,3}$/.test(text) || days < 1 || days > MAX_DAYS) {
    throw parameterError("days", `must be a whole number from 1 to ${MAX_DAYS}`);
  }
  return days;
}
