import { describe, expect, it } from "vitest";
import { signToken } from "../../../support/builder/billing.ts";
import { expectRefusal } from "../../../support/builder/refusal.ts";
import { billing, superadmin, useOneBilling } from "../../../support/suite/one-billing.ts";

useOneBilling();

const ISSUE = { code: "HOSTILE", credit_omr: 5 };
const CHECKOUT = { plan_id: "free", tenant_id: "t" };

const BODIES: [path: string, method: string, good: Record<string, unknown>][] = [
  ["/billing/vouchers/issue", "POST", ISSUE],
  ["/billing/vouchers/bulk-issue", "POST", { count: 2, credit_omr: 5 }],
  ["/billing/admin/promos", "POST", ISSUE],
  ["/billing/admin/promos/HOSTILE", "PUT", { credit_omr: 5 }],
  ["/billing/vouchers/redeem-preview", "POST", { code: "HOSTILE" }],
  ["/billing/checkout", "POST", CHECKOUT],
  ["/billing/admin/settings", "PUT", {}],
];

describe.each(BODIES)("%s %s", (path, method, good) => {
  const members = JSON.stringify(good).slice(1, -1);
  const sep = members === "" ? "" : ",";

  it.each<[string, string | Uint8Array<ArrayBuffer>]>([
    ["no body", ""],
    ["no JSON", "credit_omr=5"],
    ["half of it", "{"],
    ["null", "null"],
    ["an array", "[]"],
    ["a text", '"x"'],
    ["a number", "5"],
    ["an unknown member", `{${members}${sep}"shoe_size":42}`],
    ["__proto__", `{${members}${sep}"__proto__":{"role":"superadmin"}}`],
    ["constructor", `{${members}${sep}"constructor":{"prototype":{}}}`],
    ["a member twice", `{${members}${sep}"x":1,"x":2}`],
    ["a member twice, once escaped", `{${members}${sep}"xy":1,"\\u0078y":2}`],
    ["NUL in a name", `{${members}${sep}"a\\u0000":1}`],
    ["deep nesting", `{${members}${sep}"x":${"[".repeat(2_000)}${"]".repeat(2_000)}}`],
    ["deep nesting without an end", "[".repeat(60_000)],
    ["invalid UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
    ["UTF-16", new Uint8Array(Buffer.from(JSON.stringify(good), "utf16le"))],
    ["70 kB", `{${members}${sep}"x":"${"a".repeat(70_000)}"}`],
    ["1 MB", "a".repeat(1_000_000)],
    ["a comment", `{${members}/* hi */}`],
    ["NaN", '{"credit_omr":NaN}'],
  ])("refuses a body: %s", async (_what, raw) => {
    await expectRefusal(path, { method, raw });
  });

  it("refuses other content types", async () => {
    for (const type of [
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "text/xml",
      "application/json; charset=utf-16",
    ]) {
      await expectRefusal(path, { method, raw: "<a>b=c</a>", headers: { "content-type": type } }, [415]);
    }
    await expectRefusal(
      path,
      { method, raw: JSON.stringify(good), headers: { "content-encoding": "gzip" } },
      [415],
    );
  });
});

const WRONG = {
  code: [
    null,
    5,
    true,
    [],
    {},
    "",
    "   ",
    "A",
    "AB",
    "-AB",
    "_AB",
    "A B",
    "A".repeat(65),
    "A".repeat(10_000),
    "\u0000ABC",
    "ABC\u0000",
    "STRAßE",
    "ﬁSH",
    "ıDEA",
    "ſTAR",
    "ABC\u200b",
    "A\u200bBC",
    "АВС",
    "ABC💥",
    "\ud800ABC",
    "ABC\n\u00a0D",
    "../../etc",
    "A'--",
  ],
  credit_omr: [
    null,
    "5",
    true,
    [],
    {},
    0,
    -1,
    1.5,
    0.1,
    2_147_483_648,
    2 ** 53,
    2 ** 53 + 2,
    1e300,
    -2_147_483_649,
  ],
  max_redemptions: [null, "5", -1, 1.5, 2_147_483_648, 2 ** 53],
  description: [null, 5, {}, "a\u0000b", "\udfff", "x".repeat(10_001)],
  active: [null, "true", 1, 0],
  starts_at: [
    "",
    "yesterday",
    "2026-13-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:00+15:00",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "+012026-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:00-00:01",
    "9999-12-31T23:59:59.9999999Z",
    "0001-01-01T00:00:00+00:01",
    5,
  ],
} as const;

describe("members of a voucher", () => {
  it.each(
    Object.entries(WRONG).flatMap(([member, values]) => values.map((value) => [member, value] as const)),
  )("refuses a voucher with %s %j", async (member, value) => {
    await expectRefusal("/billing/vouchers/issue", { body: { ...ISSUE, [member]: value } });
    await expectRefusal("/billing/admin/promos", { body: { ...ISSUE, [member]: value } });
  });

  it("refuses a voucher that ends before it begins", async () => {
    await expectRefusal("/billing/vouchers/issue", {
      body: { ...ISSUE, starts_at: "2026-02-01T00:00:00Z", expires_at: "2026-01-01T00:00:00Z" },
    });
  });

  it("stores nothing for an invalid voucher, and names the field and the rule", async () => {
    const answer = await expectRefusal("/billing/vouchers/issue", {
      body: { code: "HOSTILE", credit_omr: 1.5, shoe_size: 1 },
    });
    expect(answer.json.errors).toEqual([
      { field: "/shoe_size", rule: "is not a known member" },
      { field: "/credit_omr", rule: "must be integer" },
    ]);
    expect((await billing.ask("/billing/vouchers/list", { token: superadmin })).text).toBe("[]");
  });
});

describe("POST /billing/vouchers/bulk-issue", () => {
  const { code: _code, credit_omr, max_redemptions, ...others } = WRONG;
  const MEMBERS: Record<string, readonly unknown[]> = {
    ...others,
    credit_omr: [...credit_omr, undefined, -2_147_483_648],
    max_redemptions: [...max_redemptions, -2_147_483_648],
    expires_at: WRONG.starts_at,
    description: [...WRONG.description, "x".repeat(501)],
    count: [undefined, null, "5", true, [], {}, 0, -1, 1.5, 10_001, 2 ** 53, 1e300],
    prefix: [
      null,
      5,
      [],
      {},
      " ",
      "-A",
      "A-",
      "A B",
      "A".repeat(33),
      "A".repeat(10_000),
      "A\u0000",
      "STRAßE",
      "ﬁSH",
      "ıDEA",
      "ſTAR",
      "A\u200b",
      "\ud800",
      "=A",
      "A,B",
      'A"',
      "A\nB",
      "A\n",
    ],
    code: ["ABC"],
    times_redeemed: [0],
  };

  it.each(
    Object.entries(MEMBERS).flatMap(([member, values]) => values.map((value) => [member, value] as const)),
  )("refuses %s %j, and issues no voucher", async (member, value) => {
    const body = { count: 2, credit_omr: 5, [member]: value };
    await expectRefusal("/billing/vouchers/bulk-issue", { body });
    await expectRefusal("/billing/vouchers/bulk-issue", { body, headers: { accept: "application/json" } });
  });

  it("refuses an end before the beginning, and stores nothing", async () => {
    await expectRefusal("/billing/vouchers/bulk-issue", {
      body: {
        count: 2,
        credit_omr: 5,
        starts_at: "2026-02-01T00:00:00Z",
        expires_at: "2026-01-01T00:00:00Z",
      },
    });
    expect((await billing.ask("/billing/vouchers/list", { token: superadmin })).text).toBe("[]");
  });

  it.each(["", " ", "a b", "x".repeat(256), "\u00e9"])("refuses the Idempotency-Key %j", async (key) => {
    await expectRefusal("/billing/vouchers/bulk-issue", {
      body: { count: 2, credit_omr: 5 },
      headers: { "Idempotency-Key": key },
    });
  });

  it("is only for administrators, and so is the audit", async () => {
    const body = { count: 2, credit_omr: 5 };
    await expectRefusal("/billing/vouchers/bulk-issue", { body, token: undefined }, [401]);
    await expectRefusal("/billing/vouchers/bulk-issue", { body, token: await signToken("somebody") }, [403]);
    await expectRefusal("/billing/vouchers/audit/A", { method: "GET", token: undefined }, [401]);
    await expectRefusal(
      "/billing/vouchers/audit/A",
      { method: "GET", token: await signToken("somebody") },
      [403],
    );
  });
});

describe("the audit of a voucher", () => {
  it.each([
    "%00",
    "ABC%00",
    "%20",
    "%",
    "%E0%A4%A",
    "HOSTILE?limit=0",
    "HOSTILE?limit=1001",
    "HOSTILE?limit=1e2",
    "HOSTILE?cursor=x",
    "HOSTILE?cursor=-1",
    "HOSTILE?cursor=0",
    "HOSTILE?cursor=1.5",
    "HOSTILE?cursor=9999999999999999999",
    "HOSTILE?cursor=",
    "HOSTILE?cursor=1&cursor=2",
    "HOSTILE?cursor=1%00",
  ])("refuses %s", async (path) => {
    await expectRefusal(`/billing/vouchers/audit/${path}`, { method: "GET" });
  });

  it.each(["STRAßE", "ﬁSH", "ABC\u200b", "' OR 1=1 --", "%", "💥", "__proto__", "A".repeat(1_000)])(
    "finds none of %j",
    async (code) => {
      await expectRefusal(`/billing/vouchers/audit/${encodeURIComponent(code)}`, { method: "GET" }, [404]);
    },
  );
});
