/**
 * The prefixes of keys that belong in another field. In the field of a secret, Stripe would refuse the key only at its
 * first use. In the field of the public key, the service would publish a secret.
 */
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
