import { beforeAll, describe, expect, it } from "vitest";
import { billing, signToken, useBilling } from "../../../support/builder/billing.ts";

let token: string;

useBilling();

beforeAll(async () => {
  token = await signToken("admin", "sovereign-admin");
});

/** The description's cell in the file, as a reader of RFC 4180 takes it. */
async function cellOf(description: string): Promise<string> {
  const body = { count: 1, credit_omr: 5, description };
  const { status, text } = await billing.ask("/billing/vouchers/bulk-issue", { token, body });
  expect(status).toBe(200);
  const [, quoted, plain] =
    /^[^\r]*\r\n[^,]+,5,(?:"((?:[^"]|"")*)"|([^",\r\n]*)),1,,,https:/.exec(text) ?? [];
  return quoted?.replaceAll('""', '"') ?? plain ?? "no such cell";
}

const BEFORE = {
  nothing: "",
  blanks: "  ",
  "a tab": "\t",
  "a carriage return": "\r",
  "a line feed": "\n",
  "a no-break space": "\u00a0",
  "an ideographic space": "\u3000",
  "a zero-width space": "\u200b",
  "a byte order mark": "\ufeff",
  "a soft hyphen": "\u00ad",
  "a bell": "\u0007",
  "a mark of direction": "\u200f",
  "all of them": " \t\u00a0\u200b\ufeff\r\n ",
};

describe("a cell of the file of a bulk issue", () => {
  it.each(Object.entries(BEFORE))(
    "writes a cell with %s before it as text, not as a formula",
    async (_what, before) => {
      for (const sign of ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫", "−"]) {
        const description = `${before}${sign}cmd|' /C calc'!A0`;
        // With another separator than the comma, a cell begins after a tab and after an end of line.
        const inner = /[\t\r\n]/.test(before) ? "'" : "";
        expect(await cellOf(description)).toBe(`'${before}${inner}${sign}cmd|' /C calc'!A0`);
      }
    },
  );

  it.each(["\t1", "\r1", "\n1"])("starts no cell with a control character: %j", async (description) => {
    expect(await cellOf(description)).toBe(`'${description}`);
  });

  it.each([
    "",
    "Ramadan -20%",
    " two blanks",
    "a=b",
    "خصم ٢٠٪",
    "'quoted",
    'say "=1"',
    "1,5 OMR",
    "#1",
    "%",
    "→ ok",
  ])("does not change the cell %j", async (description) => {
    expect(await cellOf(description)).toBe(description);
  });
});
describe("the file of a bulk issue", () => {
  it("begins with a byte order mark, so that a spreadsheet reads Arabic", async () => {
    const response = await fetch(`${billing.origin}/billing/vouchers/bulk-issue`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ count: 1, credit_omr: 5, description: "خصم رمضان" }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(bytes.subarray(3).toString("utf8")).toMatch(/^code,credit_omr,.*\r\n.*,خصم رمضان,/);
  });
});
