import { describe, expect, it } from "vitest";
import { oldestCompatible } from "../../../../src/billing/db/compatibility.ts";

const [changing, adding] = [
  "ALTER TABLE a DROP COLUMN b;",
  "-- compatible: adds a column\nALTER TABLE a ADD c int;",
];
const numbered = (...texts: string[]) => texts.map((sql, index) => ({ name: `000${index + 1}`, sql }));

describe("oldestCompatible", () => {
  it.each([
    ["the last migration changes something", numbered(changing, adding, changing), "0003"],
    ["the last two only add", numbered(changing, adding, adding), "0001"],
    ["one in the middle changes something", numbered(changing, changing, adding), "0002"],
    ["a later line says compatible", numbered(changing, `${changing}\n-- compatible`), "0002"],
    ["all only add", numbered(adding, adding), "0001"],
  ])("returns the oldest compatible version when %s", (_when, migrations, expected) => {
    expect(oldestCompatible(migrations)).toBe(expected);
  });
});
