import { describe, expect, it } from "vitest";
import { CURRENCIES } from "../../../src/api/currency.ts";
import { readPaymentConfiguration } from "../../../src/billing/payment/configuration.ts";
import { createEnvReader } from "../../../src/platform/env.ts";

describe("CURRENCIES", () => {
  it.each(CURRENCIES)("has only codes with which billing starts: %s", (code) => {
    const reader = createEnvReader({ CURRENCY: code });
    const known = { sovereignFqdn: "omantel.example", jwtSecret: undefined };
    expect(readPaymentConfiguration(reader, known).currency).toBe(code);
  });
});
