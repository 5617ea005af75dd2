import pg from "pg";
import { describe, expect, it } from "vitest";
import { describeFault, placesOf } from "../../../../src/billing/http/fault.ts";

const databaseError = (message: string, more: Partial<pg.DatabaseError>) =>
  Object.assign(new pg.DatabaseError(message, message.length, "error"), more);

describe("describeFault", () => {
  it.each<[string, unknown, Record<string, unknown>]>([
    ["an error of ours", new Error("a locked voucher vanished"), { reason: "a locked voucher vanished" }],
    ["what is no error", "gone", { reason: "gone" }],
    [
      "a parser's error, which quotes what it read",
      new SyntaxError("Unexpected token S in SECRET"),
      { reason: "an answer could not be parsed" },
    ],
    [
      "a constraint's, which quotes the row",
      databaseError("duplicate key value (code)=(SECRET)", {
        code: "23505",
        constraint: "promo_codes_pkey",
        table: "promo_codes",
        routine: "_bt_check_unique",
      }),
      {
        reason: "the database rejected a value",
        sqlstate: "23505",
        constraint: "promo_codes_pkey",
        table: "promo_codes",
        routine: "_bt_check_unique",
      },
    ],
    [
      "a value's",
      databaseError('invalid input syntax for type uuid: "SECRET"', { code: "22P02" }),
      { reason: "the database rejected a value", sqlstate: "22P02" },
    ],
    [
      "a statement's, which quotes none",
      databaseError('relation "orders" does not exist', { code: "42P01" }),
      { reason: 'relation "orders" does not exist', sqlstate: "42P01" },
    ],
    ["one without a state", databaseError("closed", {}), { reason: "closed", sqlstate: "" }],
  ])("describes %s by its place and without values", (_what, error, expected) => {
    expect(describeFault(error)).toEqual(expected);
  });
});

describe("placesOf", () => {
  it("returns the places of an error, and nothing of its message", () => {
    const places = placesOf(new Error("no\n    at SUMMER-2026 (secret.ts:1:1)\n    at all"));
    expect(places[0]).toContain("fault.test.ts");
    expect(places.join("\n")).not.toMatch(/SUMMER|at all/);
  });

  it.each([
    ["thrown"],
    [undefined],
    [{ stack: "    at x" }],
    [Object.assign(new Error("x"), { stack: undefined })],
  ])("returns no place for %j", (thrown) => {
    expect(placesOf(thrown)).toEqual([]);
  });
});
