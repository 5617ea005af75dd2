import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type TestBilling, useBillings } from "../../../support/builder/billing.ts";
import { admin, useOneBilling } from "../../../support/suite/one-billing.ts";
import { eventually } from "../../../support/wait.ts";

const start = useBillings();

useOneBilling();

describe("the Franchise's grants", () => {
  const GRANTS = { maxActive: 3, maxCreditPerVoucherOmr: 50, maxOutstandingCreditOmr: 100 };
  const issue = (one: TestBilling, code: string, body: object = {}) =>
    one.ask("/billing/vouchers/issue", {
      token: admin,
      body: { code, credit_omr: 10, max_redemptions: 1, ...body },
    });

  it("enforces each grant by its name, and follows changes of the file", async () => {
    const one = await start({ files: { GRANTS_FILE: GRANTS } });
    const tooDear = await issue(one, "DEAR", { credit_omr: 51 });
    expect([tooDear.status, tooDear.json.code]).toEqual([403, "grant_exceeded"]);
    expect(tooDear.json.error).toContain("maxCreditPerVoucherOmr");
    expect((await issue(one, "ENDLESS", { max_redemptions: 0 })).json.error).toMatch(
      /maxOutstandingCreditOmr.*set max_redemptions/,
    );
    expect((await issue(one, "WIDE", { max_redemptions: 11 })).json.error).toContain(
      "maxOutstandingCreditOmr",
    );
    for (const code of ["ONE", "TWO", "THREE"]) expect((await issue(one, code)).status).toBe(200);
    expect((await issue(one, "FOUR")).json.error).toContain("maxActive");
    // A change that adds nothing is allowed at the limit. Credit that is given back can be used again.
    expect((await issue(one, "ONE", { description: "new words" })).status).toBe(200);
    expect((await issue(one, "TWO", { active: false })).status).toBe(200);
    expect((await issue(one, "FOUR")).status).toBe(200);
    expect((await issue(one, "TWO")).status).toBe(403);
    const { rows } = await one.database.pool.query("SELECT active FROM promo_codes WHERE code = 'TWO'");
    expect(rows).toEqual([{ active: false }]);
    writeFileSync(one.settings.grantsFile ?? "", JSON.stringify({ ...GRANTS, maxActive: 4 }));
    expect((await issue(one, "TWO")).status).toBe(200);
    writeFileSync(one.settings.grantsFile ?? "", "{ broken");
    expect((await issue(one, "FIVE")).status).toBe(403);
  });

  it("shows what the grants allow and what is in use, and names the field of each refusal", async () => {
    const one = await start({ files: { GRANTS_FILE: GRANTS } });
    const fieldOf = async (body: object) => (await issue(one, "FIELD", body)).json.errors?.[0]?.field;
    expect(await fieldOf({ credit_omr: 51 })).toBe("/credit_omr");
    expect(await fieldOf({ max_redemptions: 0 })).toBe("/max_redemptions");
    expect(await fieldOf({ credit_omr: 0 })).toBe("/credit_omr");
    expect(await fieldOf({ max_redemptions: -1 })).toBe("/max_redemptions");
    const dates = { starts_at: "2090-01-02T00:00:00Z", expires_at: "2090-01-01T00:00:00Z" };
    expect(await fieldOf(dates)).toBe("/expires_at");
    expect((await issue(one, "no good")).json.errors?.[0]?.field).toBe("/code");
    await issue(one, "ONE", { credit_omr: 20, max_redemptions: 2 });
    const read = async () => (await one.ask("/billing/vouchers/grants", { token: admin })).json;
    expect(await read()).toEqual({
      ...{ max_active: 3, max_credit_per_voucher_omr: 50, max_outstanding_credit_omr: 100 },
      ...{ active: 1, outstanding_omr: 40 },
    });
    writeFileSync(one.settings.grantsFile ?? "", "null");
    await eventually(async () => expect((await read()).max_active).toBeNull());
    await issue(one, "ENDLESS", { max_redemptions: 0 });
    expect(await read()).toMatchObject({ active: 2, outstanding_omr: null });
  });

  it("enforces the grants for simultaneous issues on two instances", async () => {
    const one = await start({ files: { GRANTS_FILE: { maxActive: 5, maxOutstandingCreditOmr: 40 } } });
    const two = await start({
      files: { GRANTS_FILE: { maxActive: 5, maxOutstandingCreditOmr: 40 } },
      database: one.database,
    });
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, index) => issue(index % 2 === 0 ? one : two, `RACE-${index}`)),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(4).fill(200), ...Array(20).fill(403)]);
  });
});
