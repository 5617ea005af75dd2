import { describe, expect, it } from "vitest";
import { createDatabase, createPool } from "../../../../src/billing/db/database.ts";
import { actorOf } from "../../../../src/billing/voucher/audit.ts";
import { codeOfSymbols } from "../../../../src/billing/voucher/code.ts";
import { createVoucherService } from "../../../../src/billing/voucher/voucher-service.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { issueVoucher, type TestBilling, useBillings } from "../../../support/builder/billing.ts";
import { admin, billing, DRAWN_CODE, issue, useOneBilling } from "../../../support/suite/one-billing.ts";

const start = useBillings();

useOneBilling();

describe("an issue without a code", () => {
  it("generates a new code for each issue without a code", async () => {
    const [first, second] = [await issue({ credit_omr: 5 }), await issue({ credit_omr: 5 })];
    for (const answer of [first, second]) {
      expect(answer.status).toBe(200);
      expect(answer.json.code).toMatch(DRAWN_CODE);
    }
    expect(second.json.code).not.toBe(first.json.code);
    const found = await billing.ask("/billing/vouchers/redeem-preview", {
      body: { code: first.json.code.toLowerCase() },
    });
    expect(found.json).toMatchObject({ code: first.json.code, credit_omr: 5 });
  });

  it("returns the same code for the same Idempotency-Key, in sequence and at the same time", async () => {
    const headers = { "Idempotency-Key": "drawn-1" };
    const first = await issue({ credit_omr: 6 }, headers);
    expect((await issue({ credit_omr: 6 }, headers)).text).toBe(first.text);
    const crowd = await Promise.all(
      Array.from({ length: 10 }, () => issue({ credit_omr: 7 }, { "Idempotency-Key": "drawn-2" })),
    );
    const codes = crowd.filter(({ status }) => status === 200).map(({ json }) => json.code);
    expect(codes.length).toBeGreaterThan(0);
    expect(new Set(codes).size).toBe(1);
    expect(crowd.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    const { rows } = await billing.database.pool.query(
      "SELECT count(*)::int AS n FROM promo_codes WHERE credit_omr = 7",
    );
    expect(rows).toEqual([{ n: 1 }]);
  });

  it("refuses a missing code on the older endpoint, and a blank code", async () => {
    const older = await billing.ask("/billing/admin/promos", { token: admin, body: { credit_omr: 5 } });
    expect([older.status, older.json.errors]).toEqual([400, [{ field: "/code", rule: "is required" }]]);
    for (const code of ["", " ", null]) expect((await issue({ code, credit_omr: 5 })).status).toBe(400);
  });

  it("applies the rules of the terms and the grants to an issue without a code", async () => {
    expect((await issue({ credit_omr: 0 })).json.code).toBe("voucher_invalid");
    expect((await issue({ credit_omr: 1, max_redemptions: -1 })).json.code).toBe("voucher_invalid");
    const one = await start({ files: { GRANTS_FILE: { maxActive: 1 } } });
    expect((await issue({ credit_omr: 1 }, {}, one)).status).toBe(200);
    expect((await issue({ credit_omr: 1 }, {}, one)).json.code).toBe("grant_exceeded");
  });
});

describe("a drawn code that exists already", () => {
  const SYMBOLS = ["AAAABBBBCCCC", "DDDDEEEEFFFF", "GGGGHHHHJJJJ", "KKKKMMMMNNNN"];
  const terms = {
    credit_omr: 5,
    description: "",
    active: true,
    max_redemptions: 1,
    starts_at: null,
    expires_at: null,
  };
  const actor = actorOf({
    userId: "admin",
    email: "",
    roles: new Set(),
    issuer: "shared-secret",
    token: { issuer: "shared-secret", id: "t" },
  });

  async function withDrawn<T>(
    symbols: string[],
    use: (vouchers: ReturnType<typeof createVoucherService>, one: TestBilling) => Promise<T>,
  ): Promise<T> {
    const one = await start({});
    const pool = createPool(one.database.url, 2, createLogger("test", "silent"));
    const rest = [...symbols];
    const vouchers = createVoucherService({
      database: createDatabase(pool),
      grants: () => ({}),
      drawSymbols: () => rest.shift() ?? symbols.at(-1) ?? "",
    });
    try {
      return await use(vouchers, one);
    } finally {
      await pool.end();
    }
  }

  it("draws another code when the drawn one exists, also revoked or adopted in lower case", async () => {
    await withDrawn(SYMBOLS, async (vouchers, one) => {
      const [live = "", revoked = "", adopted = "", free = ""] = SYMBOLS.map((symbols) =>
        codeOfSymbols(symbols),
      );
      await issueVoucher(one, live, { credit_omr: 99 });
      await issueVoucher(one, revoked, { credit_omr: 98 });
      await one.ask(`/billing/vouchers/revoke/${revoked}`, { method: "DELETE", token: admin });
      await one.database.pool.query(
        "INSERT INTO promo_codes (code, credit_omr, adopted) VALUES ($1, 97, true)",
        [adopted.toLowerCase()],
      );
      expect((await vouchers.issue(undefined, terms, actor)).code).toBe(free);
      const { rows } = await one.database.pool.query("SELECT credit_omr FROM promo_codes ORDER BY 1");
      expect(rows.map(({ credit_omr }) => credit_omr)).toEqual([5, 97, 98, 99]);
    });
  });

  it("draws further codes for a batch until the batch is complete", async () => {
    const [taken = "", ...others] = SYMBOLS;
    await withDrawn([taken, taken, ...others], async (vouchers, one) => {
      await issueVoucher(one, codeOfSymbols(taken), { credit_omr: 99 });
      const issued = await vouchers.issueInBulk({ count: 3, prefix: "", terms }, actor);
      expect(issued.map(({ code }) => code).sort()).toEqual(
        others.map((symbols) => codeOfSymbols(symbols)).sort(),
      );
      const { rows } = await one.database.pool.query(
        "SELECT code FROM voucher_audit WHERE subject = 'admin'",
      );
      expect(rows).toHaveLength(4);
    });
  });

  it("makes the issue fail and store nothing when every draw exists", async () => {
    await withDrawn(SYMBOLS.slice(0, 1), async (vouchers, one) => {
      await issueVoucher(one, codeOfSymbols(SYMBOLS[0] ?? ""), { credit_omr: 99 });
      await expect(vouchers.issue(undefined, terms, actor)).rejects.toThrow("random number generator");
      await expect(vouchers.issueInBulk({ count: 2, prefix: "", terms }, actor)).rejects.toThrow(
        "random number generator",
      );
      const { rows } = await one.database.pool.query("SELECT count(*)::int AS n FROM voucher_audit");
      expect(rows).toEqual([{ n: 1 }]);
    });
  });
});
