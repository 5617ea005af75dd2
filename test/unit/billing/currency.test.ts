import { describe, expect, it } from "vitest";
import { baisaOfMinor, cardStepOf, minorOfBaisa } from "../../../src/billing/payment/currency.ts";

describe("the minor unit of a currency", () => {
  it.each([
    ["OMR", 10, 35_000, 35_000],
    ["KWD", 10, 35_000, 35_000],
    ["USD", 10, 35_000, 3_500],
    ["EUR", 10, 10, 1],
    ["JPY", 1_000, 35_000, 35],
  ])("%s: steps of %i, and %i thousandths are %i", (currency, step, thousandths, minor) => {
    expect(cardStepOf(currency)).toBe(step);
    expect(minorOfBaisa(thousandths, currency)).toBe(minor);
    // Stripe writes currencies in lower case.
    expect(baisaOfMinor(minor, currency.toLowerCase())).toBe(thousandths);
  });
});
