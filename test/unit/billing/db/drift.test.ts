import { describe, expect, it } from "vitest";
import { describeDrift } from "../../../../src/billing/db/drift.ts";
import type { SchemaObject } from "../../../../src/billing/db/fingerprint.ts";

const constraint = (definition: string): SchemaObject => ({
  kind: "constraint",
  name: "orders.amount",
  definition,
});
const billing = (definition: string): SchemaObject => ({ kind: "function", name: "billing()", definition });

describe("describeDrift", () => {
  it("returns nothing for an object that is as it should be", () => {
    expect(describeDrift([constraint("CHECK (a > 0)")], [constraint("CHECK (a > 0)")])).toEqual([]);
  });

  it("shows both definitions of an object that differs", () => {
    expect(describeDrift([constraint("CHECK (a > 0)")], [constraint("CHECK (a > 1)")])).toEqual([
      "constraint orders.amount differs: is CHECK (a > 1), should be CHECK (a > 0)",
    ]);
  });

  it("shows the first line of a function that differs", () => {
    expect(describeDrift([billing("BEGIN\n  a;\n  b;\nEND")], [billing("BEGIN\n  a;\n  c;\nEND")])).toEqual([
      "function billing() differs: line 3 is c;, should be b;",
    ]);
  });

  it("shows a line that is missing at the end as empty", () => {
    expect(describeDrift([billing("BEGIN\nEND")], [billing("BEGIN")])).toEqual([
      "function billing() differs: line 2 is empty, should be END",
    ]);
    expect(describeDrift([billing("BEGIN")], [billing("BEGIN\nEND")])).toEqual([
      "function billing() differs: line 2 is END, should be empty",
    ]);
  });

  it("shows 120 characters of a long definition, around the first difference", () => {
    const long = (end: string) => constraint(`${"x".repeat(500)}${end}${"y".repeat(500)}`);
    expect(describeDrift([long("1")], [long("2")])).toEqual([
      `constraint orders.amount differs: is …${"x".repeat(40)}2${"y".repeat(79)}…, should be …${"x".repeat(40)}1${"y".repeat(79)}…`,
    ]);
    expect(describeDrift([constraint("a > 0")], [constraint("b".repeat(200))])).toEqual([
      `constraint orders.amount differs: is ${"b".repeat(120)}…, should be a > 0`,
    ]);
  });
});
