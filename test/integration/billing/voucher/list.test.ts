import { beforeAll, describe, expect, it } from "vitest";
import { createDatabase } from "../../../../src/billing/db/database.ts";
import { listVouchers, type VoucherFilter } from "../../../../src/billing/voucher/list.ts";
import { billing, issueVoucher, nextPage, signToken, useBilling } from "../../../support/builder/billing.ts";

let admin: string;

useBilling();

beforeAll(async () => {
  admin = await signToken("admin", "sovereign-admin");
  const vouchers: [code: string, terms: Record<string, unknown>][] = [
    ["RAMADAN-A", { description: "Launch of the Muscat office" }],
    ["RAMADAN-B", { description: "هدية رمضان", active: false }],
    ["SUMMER_50", { description: "50% off, says \\ the O'Reilly team" }],
    ["SUMMER-50", { description: "Straße ÄÖÜ" }],
    ["GONE", { description: "Launch, too" }],
  ];
  for (const [code, terms] of vouchers) await issueVoucher(billing, code, terms);
  await billing.ask("/billing/vouchers/revoke/GONE", { method: "DELETE", token: admin });
  await billing.database.pool.query(
    `INSERT INTO promo_codes (code, credit_omr, description, active, created_at, adopted)
     VALUES (' old code ', 5, NULL, NULL, NULL, true)`,
  );
});

async function codesOf(query: string, path = "/billing/vouchers/list"): Promise<string[]> {
  const answer = await billing.ask(`${path}?${query}`, { token: admin });
  expect([answer.status, answer.text.slice(0, 1)]).toEqual([200, "["]);
  return answer.json.map(({ code }: { code: string }) => code);
}

const ALL = ["SUMMER-50", "SUMMER_50", "RAMADAN-B", "RAMADAN-A", " old code "];

describe.each(["/billing/vouchers/list", "/billing/admin/promos"])("GET %s", (path) => {
  it.each<[query: string, codes: string[]]>([
    ["", ALL],
    ["q=", ALL],
    ["q=+%09", ALL],
    ["active=true", ["SUMMER-50", "SUMMER_50", "RAMADAN-A"]],
    ["active=false", ["RAMADAN-B", " old code "]],
    ["q=ramadan", ["RAMADAN-B", "RAMADAN-A"]],
    ["q=+madAn-b+", ["RAMADAN-B"]],
    ["q=LAUNCH", ["RAMADAN-A"]],
    ["q=OLD", [" old code "]],
    ["q=%D8%B1%D9%85%D8%B6%D8%A7%D9%86", ["RAMADAN-B"]],
    ["q=ramadan&active=true", ["RAMADAN-A"]],
    ["q=%25", ["SUMMER_50"]],
    ["q=_", ["SUMMER_50"]],
    ["q=%5C", ["SUMMER_50"]],
    ["q='", ["SUMMER_50"]],
    ["q=r_madan", []],
    ["q=50%25+off", ["SUMMER_50"]],
    ["q=nothing", []],
    ["q=RAMADAN-A%0ALaunch", ["RAMADAN-A"]],
  ])("finds vouchers by ?%s", async (query, codes) => {
    expect(await codesOf(query, path)).toEqual(codes);
  });

  it("keeps the filters on the next pages", async () => {
    const codes: string[] = [];
    let next: string | undefined = `${path}?limit=1&active=true&q=R`;
    let pages = 0;
    while (next !== undefined) {
      const answer = await billing.ask(next, { token: admin });
      codes.push(...answer.json.map(({ code }: { code: string }) => code));
      next = nextPage(next, answer);
      if (next !== undefined) expect(next).toMatch(/^\S+\?limit=1&cursor=[\w-]+&active=true&q=R$/);
      pages += 1;
    }
    expect([codes, pages]).toEqual([["SUMMER-50", "SUMMER_50", "RAMADAN-A"], 3]);
  });

  it("encodes any search text in the link to the next page", async () => {
    const text = "é&x=1#>؟";
    await issueVoucher(billing, "ODD-1", { description: text });
    await issueVoucher(billing, "ODD-2", { description: text });
    const asked = `${path}?limit=1&q=${encodeURIComponent(text)}`;
    const first = await billing.ask(asked, { token: admin });
    const next = nextPage(asked, first) ?? "";
    const second = await billing.ask(next, { token: admin });
    expect([...first.json, ...second.json].map(({ code }) => code)).toEqual(["ODD-2", "ODD-1"]);
    expect(second.headers.get("link")).toBeNull();
    for (const code of ["ODD-1", "ODD-2"])
      await billing.ask(`/billing/vouchers/revoke/${code}`, { method: "DELETE", token: admin });
  });

  it("lists each voucher once, also when creation times differ by a microsecond", async () => {
    const days = [
      "9999-12-31 23:59:59.999999+00",
      "9999-12-31 23:59:59.999998+00",
      "1969-12-31 23:59:59.999999+00",
      "1969-12-31 23:59:59.999998+00",
      "0001-01-01 00:00:00+00",
      null,
    ];
    await billing.database.pool.query(
      `INSERT INTO promo_codes (code, credit_omr, description, active, created_at, adopted)
       SELECT 'DAY-' || n, 1, 'of a day', true, day, true FROM unnest($1::timestamptz[]) WITH ORDINALITY AS d (day, n)`,
      [days],
    );
    const codes: string[] = [];
    let next: string | undefined = `${path}?limit=1&q=of+a+day`;
    while (next !== undefined) {
      const answer = await billing.ask(next, { token: admin });
      codes.push(...answer.json.map(({ code }: { code: string }) => code));
      next = codes.length > days.length ? undefined : nextPage(next, answer);
    }
    await billing.database.pool.query("DELETE FROM promo_codes WHERE code LIKE 'DAY-%'");
    expect(codes).toEqual(["DAY-1", "DAY-2", "DAY-3", "DAY-4", "DAY-5", "DAY-6"]);
  });

  it.each([
    "active=",
    "active=yes",
    "active=1",
    "active=TRUE",
    "active=true&active=true",
    "active=true&active=false",
    "q=a&q=b",
    "q=%00",
    "q=a%00b",
    `q=${"x".repeat(201)}`,
    `q=${"x".repeat(10_000)}`,
  ])("refuses ?%s", async (query) => {
    const answer = await billing.ask(`${path}?${query}`, { token: admin });
    expect([answer.status, answer.json.code]).toEqual([400, "request_invalid"]);
  });

  it.each(["q[]=a", "q[x]=a", "__proto__=a", "q=%F0%9F%92%A5", "q=%ED%A0%80", "q=%ff", "q=%E2%80%8B"])(
    "is not broken by ?%s",
    async (query) => {
      expect((await billing.ask(`${path}?${query}`, { token: admin })).status).toBeLessThan(500);
    },
  );
});

describe("a search among more vouchers than a page examines", () => {
  /** The codes of each page. A page examines three vouchers. */
  async function pagesOf(filter: VoucherFilter, limit = 50): Promise<string[][]> {
    const database = createDatabase(billing.database.pool);
    const pages: string[][] = [];
    let after: Parameters<typeof listVouchers>[2];
    do {
      const { vouchers, next } = await listVouchers(database, limit, after, filter, 3);
      pages.push(vouchers.map(({ code }) => code));
      after = next;
    } while (after !== undefined && pages.length < 20);
    return pages;
  }

  beforeAll(async () => {
    await billing.database.pool.query(
      `INSERT INTO promo_codes (code, credit_omr, description, active, created_at)
       SELECT 'SPAN-' || n, 1, CASE WHEN n IN (2, 8) THEN 'spanned' ELSE '' END, n <> 9, '2020-01-01'::timestamptz - n * interval '1 day'
         FROM generate_series(1, 9) AS n`,
    );
  });

  it.each<[string, VoucherFilter, number, string[][]]>([
    ["in a description", { text: "spanned" }, 50, [[], ["SPAN-2"], [], ["SPAN-8"], []]],
    ["in a description, one row a page", { text: "spanned" }, 1, [[], ["SPAN-2"], [], ["SPAN-8"], []]],
    ["that no voucher has", { text: "nowhere" }, 50, [[], [], [], [], []]],
    ["that is an old voucher's code", { text: "span-7" }, 50, [["SPAN-7"], [], [], [], []]],
    ["that is a code, one row a page", { text: "span-7" }, 1, [[], [], [], ["SPAN-7"], []]],
    [
      "that is the code of a voucher which the filter leaves out",
      { text: "span-7", active: false },
      50,
      [[], [], [], [], []],
    ],
    ["that is a code and a part of others", { text: "SPAN-1" }, 2, [["SPAN-1"], [], [], [], []]],
    ["of none, with a filter", { active: false }, 50, [["RAMADAN-B"], [], [], [], ["SPAN-9", " old code "]]],
    [
      "of none, with a standing",
      { standing: "paused" },
      50,
      [["RAMADAN-B"], [], [], [], ["SPAN-9", " old code "]],
    ],
    ["among revoked vouchers", { text: "launch", standing: "revoked" }, 50, [["GONE"], []]],
  ])("finds a text %s, page by page", async (_what, filter, limit, pages) => {
    expect(await pagesOf(filter, limit)).toEqual(pages);
  });
});
