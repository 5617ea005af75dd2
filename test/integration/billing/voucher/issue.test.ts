import { describe, expect, it } from "vitest";
import { issueVoucher, nextPage, placeOrder, useBillings } from "../../../support/builder/billing.ts";
import {
  admin,
  billing,
  preview,
  revoke,
  superadmin,
  useOneBilling,
} from "../../../support/suite/one-billing.ts";

const start = useBillings();

useOneBilling();

describe("POST /billing/vouchers/issue", () => {
  it("stores the code in upper case, and sets the defaults of absent members", async () => {
    const answer = await billing.ask("/billing/vouchers/issue", {
      token: admin,
      body: { code: " new-one ", credit_omr: 5 },
    });
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        code: "NEW-ONE",
        credit_omr: 5,
        description: "",
        active: true,
        max_redemptions: 0,
        times_redeemed: 0,
        created_at: expect.stringMatching(/Z$/),
      },
    ]);
  });

  it("updates an active code, ignores read-only members, and writes an audit row", async () => {
    await issueVoucher(billing, "TWICE");
    const body = {
      code: "TWICE",
      credit_omr: 30,
      description: "better",
      max_redemptions: 2,
      times_redeemed: 99,
      created_at: "x",
      deleted_at: null,
    };
    const answer = await billing.ask("/billing/vouchers/issue", { token: superadmin, body });
    expect(answer.json).toMatchObject({
      credit_omr: 30,
      description: "better",
      max_redemptions: 2,
      times_redeemed: 0,
    });
    const { rows } = await billing.database.pool.query(
      `SELECT action, actor, before->>'credit_omr' AS before, after->>'credit_omr' AS after FROM voucher_audit WHERE code = 'TWICE' ORDER BY id`,
    );
    expect(rows).toEqual([
      { action: "issue", actor: "shared-secret:admin", before: null, after: "25" },
      { action: "update", actor: "shared-secret:root", before: "25", after: "30" },
    ]);
  });

  it("activates a revoked code again with its counter", async () => {
    await issueVoucher(billing, "PHOENIX");
    await placeOrder(billing, "fire", { promo_code: "PHOENIX" });
    await revoke("PHOENIX");
    const answer = await billing.ask("/billing/vouchers/issue", {
      token: admin,
      body: { code: "phoenix", credit_omr: 9 },
    });
    expect(answer.json).toMatchObject({ code: "PHOENIX", credit_omr: 9, active: true, times_redeemed: 1 });
    expect(answer.json).not.toHaveProperty("deleted_at");
    expect((await preview("PHOENIX")).status).toBe(200);
  });

  it("treats a voucher with a limit below its counter as ended", async () => {
    await issueVoucher(billing, "SHRINK");
    await placeOrder(billing, "one", { promo_code: "SHRINK" });
    await placeOrder(billing, "two", { promo_code: "SHRINK" });
    await issueVoucher(billing, "SHRINK", { max_redemptions: 1 });
    expect((await preview("SHRINK")).status).toBe(410);
  });

  it("creates one voucher for 20 simultaneous issues", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        billing.ask("/billing/vouchers/issue", { token: admin, body: { code: "RUSH", credit_omr: 1 } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  });

  it("repeats the answer for the same Idempotency-Key, and returns 422 for another body", async () => {
    const headers = { "Idempotency-Key": "issue-1" };
    const body = { code: "KEYED", credit_omr: 5 };
    const first = await billing.ask("/billing/vouchers/issue", { token: admin, body, headers });
    await issueVoucher(billing, "KEYED", { credit_omr: 7 });
    const second = await billing.ask("/billing/vouchers/issue", { token: admin, body, headers });
    expect([second.status, second.text]).toEqual([200, first.text]);
    const other = await billing.ask("/billing/vouchers/issue", {
      token: admin,
      body: { ...body, credit_omr: 6 },
      headers,
    });
    expect([other.status, other.json.code]).toEqual([422, "idempotency_mismatch"]);
    const elsewhere = await placeOrder(billing, "admin", { plan_id: "free" }, headers);
    expect(elsewhere.status).toBe(422);
  });
});

describe("the dates of a voucher", () => {
  it.each([
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
    ["9999-12-31T23:59:59+14:00", "9999-12-31T09:59:59.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
  ])("accepts the date %s, and returns it in UTC", async (starts_at, instant) => {
    const body = { code: "EDGE", credit_omr: 1, starts_at };
    const issued = await billing.ask("/billing/vouchers/issue", { token: admin, body });
    expect([issued.status, issued.json.starts_at]).toEqual([200, instant]);
    const again = await billing.ask("/billing/vouchers/issue", { token: admin, body: issued.json });
    expect(again.json.starts_at).toBe(instant);
    await revoke("EDGE");
  });
});

describe("GET /billing/vouchers/list", () => {
  it("lists active vouchers once, newest first, page by page", async () => {
    const one = await start({});
    expect((await one.ask("/billing/vouchers/list", { token: admin })).text).toBe("[]");
    for (let index = 0; index < 7; index += 1) await issueVoucher(one, `PAGE-${index}`);
    await one.database.pool.query(
      "UPDATE promo_codes SET created_at = '2026-01-01' WHERE code IN ('PAGE-2', 'PAGE-3')",
    );
    const codes: string[] = [];
    let path: string | undefined = "/billing/vouchers/list?limit=3";
    while (path !== undefined) {
      const answer = await one.ask(path, { token: admin });
      codes.push(...answer.json.map(({ code }: { code: string }) => code));
      path = nextPage(path, answer);
    }
    expect(codes).toEqual(["PAGE-6", "PAGE-5", "PAGE-4", "PAGE-1", "PAGE-0", "PAGE-3", "PAGE-2"]);
  });

  it.each([
    "limit=0",
    "limit=x",
    "limit=1.5",
    "limit=1001",
    "cursor=x",
    "cursor=WyJ4IiwiMiJd",
    "limit=1&limit=2",
  ])("refuses ?%s", async (query) => {
    expect((await billing.ask(`/billing/vouchers/list?${query}`, { token: admin })).status).toBe(400);
  });
});

describe("DELETE /billing/vouchers/revoke/{code}", () => {
  it("revokes a voucher once, and returns 404 for a revoked and for an unknown code", async () => {
    await issueVoucher(billing, "BYE");
    const first = await revoke("bye");
    expect([first.status, first.text]).toEqual([200, '{"ok":true}']);
    expect((await revoke("BYE")).status).toBe(404);
    expect((await revoke("NEVER-WAS")).status).toBe(404);
    const { rows } = await billing.database.pool.query(
      "SELECT active, deleted_at IS NOT NULL AS deleted FROM promo_codes WHERE code = 'BYE'",
    );
    expect(rows).toEqual([{ active: false, deleted: true }]);
  });
});
