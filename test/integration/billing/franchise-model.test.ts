import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ask, billing, useBilling } from "../../support/builder/billing.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/FRANCHISE-MODEL.md"), "utf8");

/** The rows of a section's tables, without their heads. A cell is its text, without the marks of a code span. */
function rowsOf(section: string): string[][] {
  const text = page.split(new RegExp(`^## ${section}`, "m"))[1]?.split(/^## /m)[0] ?? "";
  return text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
}

useBilling();

describe("docs/FRANCHISE-MODEL.md", () => {
  it("names every column of a voucher with its type, and no other", async () => {
    const { rows } = await billing.database.pool.query<{ column_name: string; data_type: string }>(
      "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'promo_codes'",
    );
    const inDatabase = rows.map(({ column_name, data_type }) => `${column_name} ${data_type}`);
    const inPage = rowsOf("2").map(([name, type]) => `${name} ${type}`);
    expect(inPage.sort()).toEqual(inDatabase.sort());
  });

  it("lists every voucher endpoint, and no other", async () => {
    const { json } = await ask(billing.origin, "/openapi.json");
    const { paths } = json as { paths: Record<string, object> };
    const served = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const inPage = rowsOf("3").map(([endpoint]) => endpoint);
    expect(inPage.filter((endpoint) => !served.includes(endpoint ?? ""))).toEqual([]);
    const ofVouchers = served.filter((endpoint) => /\/(vouchers|promos)\b/.test(endpoint));
    expect(ofVouchers.filter((endpoint) => !inPage.includes(endpoint))).toEqual([]);
  });
});
