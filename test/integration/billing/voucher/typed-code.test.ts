import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IS_DRAWN_SQL, LOOKUP_KEY_SQL, UNDASHED_SQL } from "../../../../src/billing/db/schema.ts";
import { voucherKey } from "../../../../src/billing/voucher/key.ts";
import { issueVoucher, placeOrder } from "../../../support/builder/billing.ts";
import {
  admin,
  billing,
  preview,
  revoke,
  scalar,
  useOneBilling,
} from "../../../support/suite/one-billing.ts";

useOneBilling({ reconciled: true });

const adopt = (code: string) =>
  scalar("INSERT INTO promo_codes (code, credit_omr, adopted) VALUES ($1, 5, true)", [code]);

let buyers = 0;

/** The voucher that every lookup finds for a typed code. Revokes it in the end, and then no lookup finds it. */
async function expectFound(typed: string, stored: string): Promise<void> {
  expect((await preview(typed)).json).toMatchObject({ code: stored, accepting_redemptions: true });
  const segment = encodeURIComponent(typed);
  const page = await billing.ask(`/redeem?code=${segment}`);
  expect(page.status).toBe(200);
  expect(page.text).toContain(`data-voucher="${stored}"`);
  buyers += 1;
  const order = await placeOrder(billing, `types-${buyers}`, { plan_id: "free", promo_code: typed });
  expect([order.status, order.json.credit_balance]).toEqual([200, 5]);
  const asAdmin = async (path: string, question = {}) =>
    (await billing.ask(path, { token: admin, ...question })).json;
  expect((await asAdmin(`/billing/vouchers/read/${segment}`)).code).toBe(stored);
  expect(
    (await asAdmin(`/billing/vouchers/list?q=${segment}`)).map((row: { code: string }) => row.code),
  ).toEqual([stored]);
  const change = { method: "PUT", body: { code: stored, description: "changed" } };
  expect((await asAdmin(`/billing/admin/promos/${segment}`, change)).code).toBe(stored);
  expect((await asAdmin(`/billing/vouchers/audit/${segment}`))[0].code).toBe(stored);
  expect((await revoke(typed)).json).toEqual({ ok: true });
  expect((await preview(typed)).status).toBe(404);
}

describe("a code as people type and paste it", () => {
  it.each([
    ["with bidirectional marks around it", "\u2067RAMADAN-26\u2069\u200e", "RAMADAN-26"],
    ["with characters of no width", "\ufeffRAMA\u200bDAN-\u00ad27\u180e\u034f\ufe0f", "RAMADAN-27"],
    ["with no-break and wide blanks around it", "\u00a0ramadan-28\u3000\u2009", "RAMADAN-28"],
    ["with a dash that the keyboard replaced", "ramadan–29", "RAMADAN-29"],
    ["with Arabic-Indic digits", "RAMADAN-٣٠", "RAMADAN-30"],
    ["with Persian digits", "ramadan-۳۱", "RAMADAN-31"],
  ])("finds a typed code %s", async (_what, typed, stored) => {
    await issueVoucher(billing, stored, { credit_omr: 5 });
    await expectFound(typed, stored);
  });

  it.each([
    ["without dashes", (code: string) => code.replaceAll("-", "").toLowerCase()],
    ["with blanks", (code: string) => code.replaceAll("-", " ")],
    ["with long dashes and blanks", (code: string) => code.replaceAll("-", " — ")],
    ["without the first dash", (code: string) => code.replace("-", "")],
    ["with a dash too many", (code: string) => code.replace(/^[A-Z0-9]{2}/, "$&-")],
    ["with a blank for the first dash", (code: string) => code.replace("-", " ")],
  ])("finds a generated code %s, also behind a prefix", async (_what, typedOf) => {
    for (const prefix of ["", "EID2026", "EID-2026", "EID_26", "A-2345"]) {
      const issued = await billing.ask("/billing/vouchers/bulk-issue", {
        token: admin,
        body: { count: 2, prefix, credit_omr: 5, max_redemptions: 0 },
        headers: { accept: "application/json" },
      });
      const [code = "", other = ""] = issued.json.map((voucher: { code: string }) => voucher.code);
      await expectFound(typedOf(code), code);
      expect((await preview(other)).status).toBe(200);
    }
  });

  it.each([
    ["Café Süd", "CAFE\u0301 SÜD"],
    ["тест-7", "ТЕСТ-7"],
    ["Ωmega", "ωMEGA"],
    ["رمضان ٢٠٢٤", "رمضان 2024"],
    ["A\u200bB–C", "ab-c"],
  ])("finds the adopted code %j as %j", async (stored, typed) => {
    await adopt(stored);
    await expectFound(typed, stored);
  });

  it.each([
    ["STRASSE", "straße"],
    ["FISH", "ﬁsh"],
    ["IDEA", "ıdea"],
    ["STAR", "ſtar"],
    ["ABCDEFGHJKMN2345", "ABCDEFGHJKMN-2345"],
  ])("does not find %s as %s", async (stored, typed) => {
    await issueVoucher(billing, stored);
    expect((await preview(typed)).status).toBe(404);
  });

  it("refuses a typed code in a create-only issue, and never stores it as a new code", async () => {
    const issue = (code: string) =>
      billing.ask("/billing/vouchers/issue", {
        token: admin,
        body: { code, credit_omr: 5 },
        headers: { "If-None-Match": "*" },
      });
    const refused = await issue("\u200fnew–٧٧\u00a0");
    expect([refused.status, refused.json.code]).toEqual([400, "voucher_invalid"]);
    expect((await issue(" new-77 ")).json.code).toBe("NEW-77");
    expect((await issue("new−77")).status).toBe(409);
    const drawn = (await billing.ask("/billing/vouchers/issue", { token: admin, body: { credit_omr: 5 } }))
      .json.code;
    const again = await issue(drawn.replaceAll("-", ""));
    expect([again.status, again.json.voucher.code]).toEqual([409, drawn]);
  });

  it("treats a typed code as the same voucher for a customer who has redeemed it", async () => {
    await issueVoucher(billing, "ONCE-ONLY");
    const order = (promo_code: string) => placeOrder(billing, "twice", { plan_id: "free", promo_code });
    expect((await order("ONCE-ONLY")).status).toBe(200);
    expect((await order("\u200eonce—only")).json.code).toBe("already_redeemed");
  });
});

describe("billing_code_key", () => {
  it("gives the key that voucherKey gives, for any text", async () => {
    const interesting = fc.constantFrom(
      ..." \t\u00a0\u2003\u3000\u200b\u200f\u2066\u00ad\u034f\u180e\ufe00\ufe0f-–—−٠٩۰۹azAZ09éÉe\u0301ßﬁıſςσΣǆǅØøкКᾳ\u212aﻬ",
    );
    const text = fc.string({
      unit: fc.oneof(
        { arbitrary: interesting, weight: 4 },
        { arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }), weight: 1 },
      ),
      maxLength: 40,
    });
    const letters = Array.from({ length: 0xffff }, (_, point) => String.fromCharCode(point + 1)).filter(
      (letter) => letter.isWellFormed(),
    );
    const samples = [
      ...fc.sample(text, { numRuns: 2_000, seed: 11 }),
      ...letters,
      "é".repeat(256),
      "é".repeat(257),
    ].map((sample) => sample.replaceAll("\0", ""));
    const { rows } = await billing.database.pool.query(
      "SELECT code, billing_code_key(code) AS key FROM unnest($1::text[]) AS code",
      [samples],
    );
    expect(rows.filter(({ code, key }) => key !== voucherKey(code))).toEqual([]);
    expect(rows).toHaveLength(samples.length);
  });

  it("uses the indexes for billing_code_key", async () => {
    const client = await billing.database.pool.connect();
    try {
      await client.query("BEGIN; SET LOCAL enable_seqscan = off");
      const planOf = async (sql: string) =>
        JSON.stringify((await client.query(`EXPLAIN (FORMAT JSON) ${sql}`)).rows);
      expect(await planOf(`SELECT FROM promo_codes p WHERE ${LOOKUP_KEY_SQL} = 'A'`)).toContain(
        "promo_codes_lookup_idx",
      );
      expect(
        await planOf(`SELECT FROM promo_codes p WHERE ${IS_DRAWN_SQL} AND ${UNDASHED_SQL} = 'A'`),
      ).toContain("promo_codes_drawn_idx");
    } finally {
      await client.query("ROLLBACK");
      client.release();
    }
  });
});
