/** The prefixes of Stripe's other kinds of keys, which Stripe would refuse later, or which would be published. */
const FOREIGN_PREFIX = {
  stripe_secret_key: [/^(pk_|whsec_)/, "a secret key, which begins with sk_ or rk_"],
  stripe_webhook_secret: [/^(pk_|sk_|rk_)/, "a webhook secret, which begins with whsec_"],
  stripe_public_key: [/^(sk_|rk_|whsec_)/, "a publishable key, which begins with pk_"],
} as const;

export type PaymentKeyName = keyof typeof FOREIGN_PREFIX;

/** The rule that a key of another kind breaks; undefined for a key in its own place, and for an empty one. */
export function foreignKeyRule(name: PaymentKeyName, key: string): string | undefined {
  const [foreign, expected] = FOREIGN_PREFIX[name];
  return foreign.test(key) ? `must be ${expected}` : undefined;
}
