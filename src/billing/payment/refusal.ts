/** The reaction to an error of Stripe. */
export type RefusalKind =
  /** Stripe no longer has the customer whose id is stored: remove the id, and ask without it. */
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
  /** The name in Stripe's library. */
  type?: string;
  code?: string;
  param?: string;
  kind: RefusalKind;
}

/**
 * Classifies every refusal by the error's code, parameter and type. The text of an error does not count: it quotes the
 * request, with the customer's address. The first rule whose members all match decides.
 */
export const REFUSAL_RULES: readonly RefusalRule[] = [
  { code: "idempotency_key_in_use", kind: "in-flight" },
  { code: "resource_missing", param: "customer", kind: "repair-customer" },
  { code: "email_invalid", kind: "repair-email" },
  { param: "customer_email", kind: "repair-email" },
  { code: "amount_too_small", kind: "amount-too-small" },
  // The parameters are stored with the order, so another request cannot have used its key. The next order has another key.
  { type: "StripeIdempotencyError", kind: "later" },
  // The keys are wrong: publishable, expired, or for tests only. The administrator must change them.
  { code: "secret_key_required", kind: "later" },
  { code: "api_key_expired", kind: "later" },
  { code: "platform_api_key_expired", kind: "later" },
  { code: "testmode_charges_only", kind: "later" },
  { code: "lock_timeout", kind: "later" },
  { code: "rate_limit", kind: "later" },
  { type: "StripeConnectionError", kind: "later" },
  { type: "StripeAPIError", kind: "later" },
  { type: "StripeRateLimitError", kind: "later" },
  { type: "StripeAuthenticationError", kind: "later" },
  { type: "StripePermissionError", kind: "later" },
  { type: "StripeInvalidRequestError", kind: "final" },
  { type: "StripeCardError", kind: "final" },
];

/** Undefined: no error of Stripe. */
export function classifyRefusal(error: unknown): RefusalKind | undefined {
  const { type, code, param } = (error ?? {}) as Omit<RefusalRule, "kind">;
  if (typeof type !== "string" || !type.startsWith("Stripe")) return undefined;
  return REFUSAL_RULES.find(
    (rule) =>
      (rule.type === undefined || rule.type === type) &&
      (rule.code === undefined || rule.code === code) &&
      (rule.param === undefined || rule.param === param),
  )?.kind;
}

/** A restricted key without this right. It refuses the same request each time. */
export const isForbidden = (error: unknown): boolean =>
  (error as { type?: string } | null)?.type === "StripePermissionError";
