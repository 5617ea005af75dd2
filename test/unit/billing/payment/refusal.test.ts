import { describe, expect, it } from "vitest";
import { classifyRefusal, REFUSAL_RULES } from "../../../../src/billing/payment/refusal.ts";

const INVALID = "StripeInvalidRequestError";

describe("a refusal by Stripe", () => {
  it.each([
    ["a deleted customer", { type: INVALID, code: "resource_missing", param: "customer" }, "repair-customer"],
    [
      "an email that is none",
      { type: INVALID, code: "email_invalid", param: "customer_email" },
      "repair-email",
    ],
    [
      "an email under another code",
      { type: INVALID, code: "parameter_unknown", param: "customer_email" },
      "repair-email",
    ],
    ["a code for emails alone", { type: INVALID, code: "email_invalid" }, "repair-email"],
    ["an amount below the minimum", { type: INVALID, code: "amount_too_small" }, "amount-too-small"],
    ["a key that is in use", { type: "StripeIdempotencyError", code: "idempotency_key_in_use" }, "in-flight"],
    ["other parameters under a key", { type: "StripeIdempotencyError" }, "later"],
    ["a publishable key", { type: INVALID, code: "secret_key_required" }, "later"],
    ["an expired key", { type: "StripeAuthenticationError", code: "api_key_expired" }, "later"],
    ["an expired key of a platform", { type: INVALID, code: "platform_api_key_expired" }, "later"],
    ["a test key for live money", { type: INVALID, code: "testmode_charges_only" }, "later"],
    ["an object that is locked", { type: INVALID, code: "lock_timeout" }, "later"],
    ["too many requests", { type: INVALID, code: "rate_limit" }, "later"],
    ["no answer", { type: "StripeConnectionError" }, "later"],
    ["a fault of Stripe", { type: "StripeAPIError" }, "later"],
    ["a limit", { type: "StripeRateLimitError" }, "later"],
    ["a wrong key", { type: "StripeAuthenticationError" }, "later"],
    ["a key without the right", { type: "StripePermissionError" }, "later"],
    ["another missing object", { type: INVALID, code: "resource_missing", param: "price" }, "final"],
    ["a redirect address", { type: INVALID, code: "url_invalid", param: "success_url" }, "final"],
    ["an amount above the maximum", { type: INVALID, code: "amount_too_large" }, "final"],
    ["a card", { type: "StripeCardError", code: "card_declined" }, "final"],
  ] as const)("classifies a refusal by its code, its parameter and its type: %s", (_what, error, kind) => {
    expect(classifyRefusal(Object.assign(new Error("quotes salma@example.om"), error))).toBe(kind);
  });

  it.each([new TypeError("a bug"), { type: "other" }, undefined, null, "text"])(
    "is nothing else that is thrown: %j",
    (error) => {
      expect(classifyRefusal(error)).toBeUndefined();
    },
  );

  it.each(REFUSAL_RULES.map((rule, index) => ({ rule, index })))(
    "meets each rule, so that none hides another: $rule",
    ({ rule: { kind, ...members }, index }) => {
      const error = { type: INVALID, ...members };
      expect(classifyRefusal(error)).toBe(kind);
      const first = REFUSAL_RULES.findIndex((rule) =>
        (["type", "code", "param"] as const).every(
          (name) => rule[name] === undefined || rule[name] === (error as Record<string, unknown>)[name],
        ),
      );
      expect(first).toBe(index);
    },
  );
});
