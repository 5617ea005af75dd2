import { describe, expect, it } from "vitest";
import { FQDN, issueVoucher, placeOrder, useBillings } from "../../../support/builder/billing.ts";
import { admin, billing, DRAWN_CODE, issue, useOneBilling } from "../../../support/suite/one-billing.ts";

const start = useBillings();

useOneBilling();

const issueInBulk = (body: object, headers: Record<string, string> = {}, one = billing) =>
  one.ask("/billing/vouchers/bulk-issue", { token: admin, body, headers });
const JSON_ANSWER = { accept: "application/json" };

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
        code: expect.stringMatching(DRAWN_CODE),
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
  ])("must fit %s as a whole, and stores nothing when it is refused", async (grant, grants, body, field) => {
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
    // Vouchers that are not active do not count, so this batch fits.
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
