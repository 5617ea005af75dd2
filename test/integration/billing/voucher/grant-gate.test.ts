import { afterEach, expect, it } from "vitest";
import { signToken, startBilling, type TestBilling } from "../../../support/builder/billing.ts";

let billing: TestBilling | undefined;
afterEach(() => billing?.close());

// "grants" in ASCII, as in grant-gate.ts.
const GRANTS_LOCK = 113723879386227;

it.each([
  [
    "does not wait for other issues when the grants limit each voucher by itself",
    { maxCreditPerVoucherOmr: 50 },
    true,
  ],
  [
    "waits for other issues when the grants limit all vouchers together",
    { maxCreditPerVoucherOmr: 50, maxActive: 5 },
    false,
  ],
])("an issue %s", async (_what, grants, isDoneAtOnce) => {
  billing = await startBilling({ files: { GRANTS_FILE: grants } });
  const token = await signToken("admin", "sovereign-admin");
  const issue = (one: TestBilling, credit_omr: number) =>
    one.ask("/billing/vouchers/issue", { token, body: { code: `ISSUE-${credit_omr}`, credit_omr } });
  const holder = await billing.database.pool.connect();
  await holder.query(`BEGIN; SELECT pg_advisory_xact_lock(${GRANTS_LOCK})`);
  let isDone = false;
  const issued = issue(billing, 25).then((answer) => {
    isDone = true;
    return answer.status;
  });
  const { pool } = billing.database;
  for (let isWaiting = false; !isDone && !isWaiting; ) {
    const { rows } = await pool.query(
      "SELECT count(*)::int AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    isWaiting = rows[0].waiting > 0;
  }
  const wasDone = isDone;
  await holder.query("ROLLBACK");
  holder.release();
  expect([await issued, wasDone]).toEqual([200, isDoneAtOnce]);
  const answer = await issue(billing, 51);
  expect([answer.status, answer.json.code]).toEqual([403, "grant_exceeded"]);
});
