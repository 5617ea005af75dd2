/** What an error of Stripe calls for. */
export type RefusalSort =
  /** The remembered Stripe customer is gone: forget it, and ask without it. */
  | "repair-customer"
  /** Stripe does not take the email address: ask without it. */
  | "repair-email"
  /** The card would pay less than Stripe accepts. */
  | "amount-too-small"
  /** Another request of ours creates the same session now. */
  | "in-flight"
  /** Stripe does not answer, limits us, or does not accept our keys: the same request may succeed later. */
  | "later"
  /** The same request would fail again. */
  | "final";

interface RefusalRule {
  /** As Stripe's library names it. */
  type?: string;
  code?: string;
  param?: string;
  sort: RefusalSort;
}

/**
 * Sorts every refusal, by the error's code, its parameter and its type, and never by its text: the text quotes the request, with
 * the customer's address. The first rule whose members all match decides.
 */
export const REFUSAL_RULES: readonly RefusalRule[] = [
  { code: "idempotency_key_in_use", sort: "in-flight" },
  { code: "resource_missing", param: "customer", sort: "repair-customer" },
  { code: "email_invalid", sort: "repair-email" },
  { param: "customer_email", sort: "repair-email" },
  { code: "amount_too_small", sort: "amount-too-small" },
  // The parameters are stored with the order, so another request cannot have used its key. The next order has a key of its own.
  { type: "StripeIdempotencyError", sort: "later" },
  // A publishable or an expired key, a test key for a live object: the administrator changes the keys.
  { code: "secret_key_required", sort: "later" },
  { code: "api_key_expired", sort: "later" },
  { code: "platform_api_key_expired", sort: "later" },
  { code: "testmode_charges_only", sort: "later" },
  { code: "lock_timeout", sort: "later" },
  { code: "rate_limit", sort: "later" },
  { type: "StripeConnectionError", sort: "later" },
  { type: "StripeAPIError", sort: "later" },
  { type: "StripeRateLimitError", sort: "later" },
  { type: "StripeAuthenticationError", sort: "later" },
  { type: "StripePermissionError", sort: "later" },
  { type: "StripeInvalidRequestError", sort: "final" },
  { type: "StripeCardError", sort: "final" },
];

/** Undefined: no error of Stripe. */
export function sortRefusal(error: unknown): RefusalSort | undefined {
  const { type, code, param } = (error ?? {}) as Omit<RefusalRule, "sort">;
  if (typeof type !== "string" || !type.startsWith("Stripe")) return undefined;
  return REFUSAL_RULES.find(
    (rule) =>
      (rule.type === undefined || rule.type === type) &&
      (rule.code === undefined || rule.code === code) &&
      (rule.param === undefined || rule.param === param),
  )?.sort;
}
