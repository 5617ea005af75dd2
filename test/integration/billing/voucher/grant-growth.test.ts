import { writeFileSync } from "node:fs";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { billing, signToken, useBilling } from "../../../support/builder/billing.ts";

let admin: string;
let run = 0;
let code = "";

useBilling({ files: { GRANTS_FILE: {} } });

beforeAll(async () => {
  admin = await signToken("admin", "sovereign-admin");
});

const limit = (grants: object) => writeFileSync(billing.settings.grantsFile ?? "", JSON.stringify(grants));
const issue = (body: object) =>
  billing.ask("/billing/vouchers/issue", { token: admin, body: { code, ...TERMS, ...body } });
const TERMS = { credit_omr: 10, description: "d", max_redemptions: 2 };

// A live voucher of 10 OMR with two redemptions, issued before the grants were lowered to zero.
beforeEach(async () => {
  limit({});
  run += 1;
  code = `GROWS-${run}`;
  expect((await issue({})).status).toBe(200);
});

describe.each([
  ["maxActive", { maxActive: 0 }],
  ["maxCreditPerVoucherOmr", { maxCreditPerVoucherOmr: 0 }],
  ["maxOutstandingCreditOmr", { maxOutstandingCreditOmr: 0 }],
])("a voucher above %s that was lowered later", (name, grants) => {
  it.each<[string, object]>([
    ["the same again", {}],
    ["other words", { description: "new" }],
    ["less credit", { credit_omr: 9 }],
    ["fewer redemptions", { max_redemptions: 1 }],
    ["an end", { expires_at: "2999-01-01T00:00:00Z" }],
    ["no more redemptions at all", { active: false }],
    ["more credit, but no redemptions", { credit_omr: 20, active: false }],
    ["an end in the past", { credit_omr: 20, expires_at: "2001-01-01T00:00:00Z" }],
  ])("allows an active voucher to get %s", async (_what, change) => {
    limit(grants);
    expect((await issue(change)).status).toBe(200);
  });

  it.each<[string, object]>([
    ["more credit", { credit_omr: 11 }],
    ["more redemptions", { max_redemptions: 3 }],
    ["more credit for fewer", { credit_omr: 11, max_redemptions: 1 }],
    ["fewer credit for more", { credit_omr: 9, max_redemptions: 3 }],
    ["redemptions without a cap", { max_redemptions: 0 }],
  ])("refuses %s for an active voucher, and changes nothing", async (_what, change) => {
    limit(grants);
    const answer = await issue(change);
    expect([answer.status, answer.json.code]).toEqual([403, "grant_exceeded"]);
    expect(answer.json.error).toContain(name);
    const { rows } = await billing.database.pool.query(
      "SELECT credit_omr, max_redemptions FROM promo_codes WHERE code = $1",
      [code],
    );
    expect(rows).toEqual([{ credit_omr: 10, max_redemptions: 2 }]);
  });

  it("refuses to activate an inactive or a revoked voucher", async () => {
    await issue({ active: false });
    limit(grants);
    expect((await issue({})).status).toBe(403);
    await billing.ask(`/billing/vouchers/revoke/${code}`, { method: "DELETE", token: admin });
    expect((await issue({})).status).toBe(403);
    expect((await issue({ active: false })).status).toBe(200);
  });
});
