import { describe, expect, it } from "vitest";
import { CURRENCIES } from "../../../../src/api/currency.ts";
import {
  baisaOfMinor,
  cardStepOf,
  minimumCardPaymentOf,
  minorOfBaisa,
} from "../../../../src/billing/payment/currency.ts";

describe("the minor unit of a currency", () => {
  it.each([
    ["OMR", 10, 35_000, 35_000],
    ["KWD", 10, 35_000, 35_000],
    ["USD", 10, 35_000, 3_500],
    ["EUR", 10, 10, 1],
    // For these currencies ISO 4217, CLDR and Stripe give different decimal places. Stripe's apply.
    ["HUF", 10, 35_000, 3_500],
    ["PKR", 10, 35_000, 3_500],
    ["IDR", 10, 35_000, 3_500],
    ["TWD", 10, 35_000, 3_500],
    ["MGA", 1_000, 35_000, 35],
    ["JPY", 1_000, 35_000, 35],
    // These have no minor unit, but Stripe takes them in hundredths, which must be 00.
    ["ISK", 1_000, 35_000, 3_500],
    ["UGX", 1_000, 35_000, 3_500],
  ])("%s: steps of %i, and %i thousandths are %i", (currency, step, thousandths, minor) => {
    expect(cardStepOf(currency)).toBe(step);
    expect(minorOfBaisa(thousandths, currency)).toBe(minor);
    // Stripe writes currencies in lower case.
    expect(baisaOfMinor(minor, currency.toLowerCase())).toBe(thousandths);
  });
});

describe("the table of minor units", () => {
  it("is Stripe's", () => {
    for (const currency of "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" ")) {
      expect([cardStepOf(currency), minorOfBaisa(1_000, currency)]).toEqual([1_000, 1]);
    }
    for (const currency of "BHD JOD KWD OMR TND".split(" ")) {
      expect([cardStepOf(currency), minorOfBaisa(1_000, currency)]).toEqual([10, 1_000]);
    }
  });
});

describe("the smallest card payment", () => {
  it.each([
    ["USD", 500],
    ["GBP", 300],
    ["CZK", 15_000],
    ["HUF", 175_000],
    ["KRW", 50_000],
    ["ZAR", 500],
    ["IDR", 500],
    ["BGN", 1_000],
    // Stripe publishes none for these.
    ["OMR", 300],
    ["KWD", 250],
    ["TRY", 500],
    ["TND", 500],
    ["VND", 1_000],
    ["UGX", 1_000],
  ])("of %s is %i thousandths", (currency, thousandths) => {
    expect(minimumCardPaymentOf(currency)).toBe(thousandths);
    expect(minimumCardPaymentOf(currency.toLowerCase())).toBe(thousandths);
  });

  it("is an amount that can be charged in every currency that a Sovereign may sell in", () => {
    for (const currency of CURRENCIES) {
      const thousandths = minimumCardPaymentOf(currency);
      expect([currency, thousandths > 0, thousandths % cardStepOf(currency)]).toEqual([currency, true, 0]);
    }
  });
});
