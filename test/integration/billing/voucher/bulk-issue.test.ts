import { describe, expect, it } from "vitest";
import { createDatabase, createPool } from "../../../../src/billing/db/database.ts";
import { actorOf } from "../../../../src/billing/voucher/audit.ts";
import { codeOfSymbols } from "../../../../src/billing/voucher/code.ts";
import { createVoucherService } from "../../../../src/billing/voucher/voucher-service.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import {
  FQDN,
  issueVoucher,
  placeOrder,
  type TestBilling,
  useBillings,
} from "../../../support/builder/billing.ts";
import { admin, billing, useOneBilling } from "../../../support/suite/one-billing.ts";

const DRAWN = /^([2-9A-HJKMNP-TV-Z]{4}-){2}[2-9A-HJKMNP-TV-Z]{4}$/;

const start = useBillings();

useOneBilling();

const issue = (body: object, headers: Record<string, string> = {}, one = billing) =>
  one.ask("/billing/vouchers/issue", { token: admin, body, headers });
const issueInBulk = (body: object, headers: Record<string, string> = {}, one = billing) =>
  one.ask("/billing/vouchers/bulk-issue", { token: admin, body, headers });
const JSON_ANSWER = { accept: "application/json" };

describe("an issue without a code", () => {
  it("generates a new code for each issue without a code", async () => {
    const [first, second] = [await issue({ credit_omr: 5 }), await issue({ credit_omr: 5 })];
    for (const answer of [first, second]) {
      expect(answer.status).toBe(200);
      expect(answer.json.code).toMatch(DRAWN);
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

describe("POST /billing/vouchers/bulk-issue", () => {
  it("returns a CSV file with codes that can be redeemed", async () => {
    const answer = await issueInBulk({
      count: 3,
      prefix: "eid-26",
      credit_omr: 5,
      description: '=HYPERLINK("https://evil.example")',
      starts_at: "2026-01-01T00:00:00Z",
      expires_at: "2999-01-01T04:00:00+04:00",
    });
    expect([
      answer.status,
      answer.headers.get("content-type"),
      answer.headers.get("content-disposition"),
    ]).toEqual([200, "text/csv; charset=utf-8; header=present", 'attachment; filename="vouchers.csv"']);
    const [header, ...lines] = answer.text.split("\r\n");
    expect(header).toBe("code,credit_omr,description,max_redemptions,starts_at,expires_at,redeem_url");
    expect(lines.pop()).toBe("");
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      const code = line.slice(0, line.indexOf(","));
      expect(code).toMatch(/^EID-26(-[2-9A-HJKMNP-TV-Z]{4}){3}$/);
      expect(line).toBe(
        `${code},5,"'=HYPERLINK(""https://evil.example"")",1,2026-01-01T00:00:00.000Z,2999-01-01T00:00:00.000Z,https://${FQDN}/redeem?code=${code}`,
      );
      const found = await billing.ask("/billing/vouchers/redeem-preview", { body: { code } });
      expect([found.status, found.json.accepting_redemptions]).toEqual([200, true]);
    }
    const one = await placeOrder(billing, "bulk-user", {
      promo_code: lines[0]?.split(",")[0],
      plan_id: "free",
    });
    expect(one.status).toBe(200);
    const again = await placeOrder(billing, "other-user", {
      promo_code: lines[0]?.split(",")[0],
      plan_id: "free",
    });
    expect(again.status).toBe(410);
  });

  it("links to the Sovereign's own front end", async () => {
    const one = await start({ files: { BRANDING_FILE: { hostname: "cloud.omantel.om" } } });
    const { text } = await issueInBulk({ count: 1, credit_omr: 1 }, {}, one);
    expect(text).toContain(",https://cloud.omantel.om/redeem?code=");
  });

  it.each([
    ["application/json", "json"],
    ["application/json, */*;q=0.1", "json"],
    ["text/csv, application/json", "csv"],
    ["*/*", "csv"],
    ["text/html", "csv"],
    ["", "csv"],
    [`${"a".repeat(5_000)}, ;;;q=x`, "csv"],
  ])("answers Accept %s as %s", async (accept, kind) => {
    const answer = await issueInBulk({ count: 2, credit_omr: 1, description: "d" }, { accept });
    expect(answer.status).toBe(200);
    if (kind === "csv") expect(answer.headers.get("content-type")).toMatch(/^text\/csv/);
    else {
      expect(answer.json).toHaveLength(2);
      expect(answer.json[0]).toEqual({
        code: expect.stringMatching(DRAWN),
        credit_omr: 1,
        description: "d",
        active: true,
        max_redemptions: 1,
        times_redeemed: 0,
        created_at: expect.stringMatching(/Z$/),
      });
    }
  });

  it("issues 10,000 codes with an audit row each", async () => {
    const one = await start({});
    const answer = await issueInBulk({ count: 10_000, credit_omr: 5, description: "Ramadan" }, {}, one);
    expect(answer.status).toBe(200);
    const codes = answer.text
      .split("\r\n")
      .slice(1, -1)
      .map((line) => line.split(",")[0]);
    expect(new Set(codes).size).toBe(10_000);
    const { rows } = await one.database.pool.query(
      `SELECT count(DISTINCT p.code)::int AS vouchers, count(a.id)::int AS entries,
              bool_and(a.code = a.after->>'code' AND a.action = 'issue' AND a.before IS NULL
                       AND a.subject = 'admin' AND a.token_id LIKE 'sha256:%') AS complete
         FROM promo_codes p LEFT JOIN voucher_audit a ON a.code = p.code WHERE p.code = ANY ($1)`,
      [codes],
    );
    expect(rows).toEqual([{ vouchers: 10_000, entries: 10_000, complete: true }]);
  });

  it("returns the same codes for the same Idempotency-Key in both formats, also after changes", async () => {
    const body = {
      count: 3,
      prefix: "KEY",
      credit_omr: 5,
      description: "d",
      expires_at: "2999-01-01T00:00:00.123Z",
    };
    const headers = { "Idempotency-Key": "batch-1" };
    const first = await issueInBulk(body, { ...headers, ...JSON_ANSWER });
    await issueVoucher(billing, first.json[0].code, { credit_omr: 77 });
    await billing.ask(`/billing/vouchers/revoke/${first.json[1].code}`, { method: "DELETE", token: admin });
    expect((await issueInBulk(body, { ...headers, ...JSON_ANSWER })).text).toBe(first.text);
    const file = await issueInBulk(body, headers);
    expect(
      file.text
        .split("\r\n")
        .slice(1, -1)
        .map((line) => line.split(",")[0]),
    ).toEqual(first.json.map(({ code }: { code: string }) => code));
    const other = await issueInBulk({ ...body, count: 4 }, headers);
    expect([other.status, other.json.code]).toEqual([422, "idempotency_mismatch"]);
    expect((await issue({ credit_omr: 5 }, headers)).status).toBe(422);
    const { rows } = await billing.database.pool.query(
      "SELECT count(*)::int AS n FROM promo_codes WHERE code LIKE 'KEY-%'",
    );
    expect(rows).toEqual([{ n: 3 }]);
  });

  it("acts once for one Idempotency-Key on two instances at the same time", async () => {
    const one = await start({});
    const two = await start({ database: one.database });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        issueInBulk(
          { count: 200, credit_omr: 1 },
          { "Idempotency-Key": "shared" },
          index % 2 === 0 ? one : two,
        ),
      ),
    );
    const done = answers.filter(({ status }) => status === 200);
    expect(new Set(done.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    const { rows } = await one.database.pool.query("SELECT count(*)::int AS n FROM promo_codes");
    expect(rows).toEqual([{ n: 200 }]);
  });

  it.each<[grant: string, grants: object, body: object, field: string]>([
    ["maxActive", { maxActive: 9 }, {}, "/count"],
    ["maxOutstandingCreditOmr", { maxOutstandingCreditOmr: 49 }, {}, "/max_redemptions"],
    [
      "maxOutstandingCreditOmr",
      { maxOutstandingCreditOmr: 1_000 },
      { count: 10, max_redemptions: 0 },
      "/max_redemptions",
    ],
    ["maxCreditPerVoucherOmr", { maxCreditPerVoucherOmr: 4 }, {}, "/credit_omr"],
  ])("is held to %s as a whole, and leaves nothing when refused", async (grant, grants, body, field) => {
    const one = await start({ files: { GRANTS_FILE: grants } });
    const refused = await issueInBulk(
      { count: 10, credit_omr: 5, ...body },
      { "Idempotency-Key": "refused" },
      one,
    );
    expect(refused.json.errors).toEqual([expect.objectContaining({ field })]);
    expect([refused.status, refused.json.code]).toEqual([403, "grant_exceeded"]);
    expect(refused.json.error).toContain(grant);
    const { rows } = await one.database.pool.query(
      "SELECT (SELECT count(*) FROM promo_codes)::int AS vouchers, (SELECT count(*) FROM voucher_audit)::int AS entries",
    );
    expect(rows).toEqual([{ vouchers: 0, entries: 0 }]);
    // What takes no redemptions counts for nothing; what fits is issued.
    expect((await issueInBulk({ count: 10, credit_omr: 5, active: false }, {}, one)).status).toBe(200);
  });

  it("stays within the grants when two instances issue batches at the same time", async () => {
    const files = { GRANTS_FILE: { maxActive: 25 } };
    const one = await start({ files });
    const two = await start({ files, database: one.database });
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        issueInBulk({ count: 10, credit_omr: 1 }, {}, index % 2 === 0 ? one : two),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 403, 403, 403, 403]);
  });
});

describe("colliding codes", () => {
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

  it("generates another code for one that exists: active, revoked, or adopted in lower case", async () => {
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

  it("generates other codes for a batch until it is complete", async () => {
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

  it("fails and stores nothing when every code collides", async () => {
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
