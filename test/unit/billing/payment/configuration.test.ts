import { describe, expect, it } from "vitest";
import { readPaymentConfiguration } from "../../../../src/billing/payment/configuration.ts";
import { createEnvReader, type Env } from "../../../../src/platform/env.ts";

const read = (env: Env) =>
  readPaymentConfiguration(createEnvReader(env), { sovereignFqdn: "omantel.om", jwtSecret: undefined });

describe("the payment keys of a Secret", () => {
  it.each(["\n", "\r\n", " \t"])("are read without the blanks around them: %j", (blank) => {
    const keys = {
      STRIPE_SECRET_KEY: `sk_live_1${blank}`,
      STRIPE_WEBHOOK_SECRET: `${blank}whsec_1${blank}`,
      STRIPE_PUBLIC_KEY: `pk_live_1${blank}`,
    };
    expect(read(keys).fixedKeys).toEqual({
      secretKey: "sk_live_1",
      webhookSecret: "whsec_1",
      publicKey: "pk_live_1",
    });
  });

  it("count as absent when they are blank", () => {
    expect(read({ STRIPE_SECRET_KEY: "\n", STRIPE_WEBHOOK_SECRET: "\n" }).fixedKeys).toBeUndefined();
    expect(() => read({ STRIPE_SECRET_KEY: "\n", STRIPE_WEBHOOK_SECRET: "whsec_1" })).toThrow(
      "STRIPE_WEBHOOK_SECRET requires STRIPE_SECRET_KEY: set both, or neither",
    );
  });

  it("are refused in another key's place, also after a blank", () => {
    expect(() => read({ STRIPE_SECRET_KEY: "\npk_live_1" })).toThrow(
      "STRIPE_SECRET_KEY must be a secret key, which begins with sk_ or rk_",
    );
  });
});
