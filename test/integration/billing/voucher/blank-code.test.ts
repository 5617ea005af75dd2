import { beforeEach, describe, expect, it } from "vitest";
import { placeOrder, signToken, type TestBilling, useBillings } from "../../../support/builder/billing.ts";
import { EARLIER_TABLES } from "../../../support/builder/earlier-service.ts";
import { migrate } from "../../../support/server/migration-database.ts";
import { createTestDatabase } from "../../../support/server/postgres.ts";
import { billing as shared, useOneBilling } from "../../../support/suite/one-billing.ts";

const startOne = useBillings();
let billing: TestBilling;
let token: string;

/** Codes that the earlier service accepted, because it checked for an empty code before it trimmed. */
async function adopt(...codes: string[]): Promise<TestBilling> {
  const database = await createTestDatabase("empty");
  await database.pool.query(EARLIER_TABLES);
  await database.pool.query(
    "INSERT INTO promo_codes (code, credit_omr, description, created_at) SELECT code, 5, 'by mistake', timestamptz '2025-01-01' + place * interval '1 day' FROM unnest($1::text[]) WITH ORDINALITY AS t (code, place)",
    [codes],
  );
  await migrate(database);
  return startOne({ database });
}

const list = async () => (await billing.ask("/billing/admin/promos", { token })).json;
const revoke = (path: string) => billing.ask(path, { method: "DELETE", token });

beforeEach(async () => {
  token = await signToken("admin", "sovereign-admin");
});

describe("an adopted voucher whose code is blank", () => {
  it.each(["", "  ", "\t"])(
    "shows, changes and revokes the blank code %j under a path with a blank",
    async (code) => {
      billing = await adopt(code);
      const [row] = await list();
      expect(row).toMatchObject({ code, credit_omr: 5, active: true });

      const updated = await billing.ask("/billing/admin/promos/%20", {
        method: "PUT",
        token,
        body: { ...row, active: false },
      });
      expect([updated.status, updated.json]).toEqual([200, { ...row, active: false }]);
      // The older admin UI posts the whole row back.
      const posted = await billing.ask("/billing/admin/promos", {
        token,
        body: { ...row, description: "off" },
      });
      expect([posted.status, posted.json]).toEqual([200, { ...row, description: "off" }]);

      expect((await revoke("/billing/vouchers/revoke/%20")).json).toEqual({ ok: true });
      expect(await list()).toEqual([]);
      const trail = await billing.ask("/billing/vouchers/audit/%20", { token });
      expect(trail.json.map((entry: { action: string; code: string }) => [entry.action, entry.code])).toEqual(
        [
          ["revoke", code],
          ["update", code],
          ["update", code],
          ["adopt", code],
        ],
      );
    },
  );

  it("revokes blank codes by the older path as well", async () => {
    billing = await adopt("", " ", "\t ");
    for (const left of [2, 1, 0]) {
      expect((await revoke("/billing/admin/promos/%20%20")).status).toBe(200);
      expect(await list()).toHaveLength(left);
    }
    const none = await revoke("/billing/admin/promos/%20%20");
    expect([none.status, none.json.code]).toEqual([400, "voucher_blank"]);
  });

  it("allows no customer to redeem a blank code, and no issue to revive it", async () => {
    billing = await adopt(" ");
    for (const code of ["", " "]) {
      const preview = await billing.ask("/billing/vouchers/redeem-preview", { body: { code } });
      expect([preview.status, preview.json.code]).toEqual([400, "voucher_blank"]);
      const order = await placeOrder(billing, "salma", { plan_id: "free", promo_code: code });
      expect([order.status, order.json.credit_balance]).toEqual([200, 0]);
    }
    await revoke("/billing/vouchers/revoke/%20");
    for (const path of ["/billing/vouchers/issue", "/billing/admin/promos"]) {
      const issued = await billing.ask(path, { token, body: { code: " ", credit_omr: 5 } });
      expect([issued.status, issued.json.code]).toEqual([400, "voucher_blank"]);
    }
    expect(await list()).toEqual([]);
  });
});

describe("an adopted voucher whose code is a path segment", () => {
  it.each([".", ".."])("finds the code %j with a blank before it", async (code) => {
    billing = await adopt(code);
    const updated = await billing.ask(`/billing/admin/promos/%20${code}`, {
      method: "PUT",
      token,
      body: { description: "dots" },
    });
    expect([updated.status, updated.json.code]).toEqual([200, code]);
    expect((await revoke(`/billing/vouchers/revoke/%20${code}`)).status).toBe(200);
  });
});

describe("a blank code that no voucher has", () => {
  useOneBilling();

  it.each([
    ["DELETE", "/billing/vouchers/revoke/%20", undefined],
    ["DELETE", "/billing/admin/promos/%09", undefined],
    ["PUT", "/billing/admin/promos/%20", { active: false }],
    ["GET", "/billing/vouchers/audit/%20", undefined],
    ["POST", "/billing/vouchers/issue", { code: "", credit_omr: 5 }],
    ["POST", "/billing/admin/promos", { code: "", credit_omr: 5 }],
  ])("refuses a blank code: %s %s", async (method, path, body) => {
    const answer = await shared.ask(path, { method, token, ...(body === undefined ? {} : { body }) });
    expect([answer.status, answer.json.code]).toEqual([400, "voucher_blank"]);
  });
});
