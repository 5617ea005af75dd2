import { describe, expect, it } from "vitest";
import { MONEY_STATEMENTS } from "../support/builder/money-statement.ts";
import { ORDER_STATEMENTS } from "../support/builder/order-statement.ts";
import { hasTest, statementsIn } from "../support/builder/page-statement.ts";
import { REVENUE_STATEMENTS } from "../support/builder/revenue-statement.ts";

describe.each([...ORDER_STATEMENTS, ...MONEY_STATEMENTS, ...REVENUE_STATEMENTS])(
  "$page: $section",
  ({ page, section, held }) => {
    it("has a test for each of its statements, and no other statements", () => {
      expect(statementsIn(page, section).sort()).toEqual(Object.keys(held).sort());
    });

    it.each(Object.entries(held))("%s", (_statement, [file, title]) => {
      expect(hasTest(file, title), `${file} > ${title}`).toBe(true);
    });
  },
);

describe("a test that a statement names", () => {
  it("is found only by its whole title, in a file that exists", () => {
    const file = "unit/statement.test.ts";
    expect(hasTest(file, "is found only by its whole title, in a file that exists")).toBe(true);
    expect(hasTest(file, "is found by its whole title")).toBe(false);
    expect(hasTest("unit/no-such.test.ts", "is found only by its whole title, in a file that exists")).toBe(
      false,
    );
  });
});
