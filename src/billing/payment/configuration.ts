import type { EnvReader } from "../../platform/env.ts";
import { UsageError } from "../../platform/errors.ts";
import { foreignKeyRule, type PaymentKeyName } from "./key-kind.ts";
import type { PaymentKeys } from "./settings.ts";

/** The deployment's configuration of card payments. */
export interface PaymentConfiguration {
  /** Keys from `payments.secretRef`. They replace the keys of the settings endpoint. */
  fixedKeys: PaymentKeys | undefined;
  /** Encrypts the keys that the settings endpoint stores. Absent: it stores no secrets. */
  settingsKey: string | undefined;
  /** Replaces the origin of Stripe's API. */
  apiBase: string | undefined;
  /** ISO 4217. */
  currency: string;
  successUrl: string;
  cancelUrl: string;
}

export function readPaymentConfiguration(
  reader: EnvReader,
  known: { sovereignFqdn: string; jwtSecret: string | undefined },
): PaymentConfiguration {
  // Stripe's keys have no blanks. With the line break that a shell adds to a Secret's value, no signature of a webhook would be
  // valid, so no card payment would be settled by its event.
  const key = (variable: string) => reader.optional(variable)?.trim() ?? "";
  const secretKey = key("STRIPE_SECRET_KEY") || undefined;
  const webhookSecret = key("STRIPE_WEBHOOK_SECRET");
  const publicKey = key("STRIPE_PUBLIC_KEY");
  if (secretKey === undefined && webhookSecret !== "")
    throw new UsageError("STRIPE_WEBHOOK_SECRET requires STRIPE_SECRET_KEY: set both, or neither");
  for (const [variable, value] of Object.entries({
    STRIPE_SECRET_KEY: secretKey ?? "",
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_PUBLIC_KEY: publicKey,
  })) {
    const rule = foreignKeyRule(variable.toLowerCase() as PaymentKeyName, value);
    if (rule !== undefined) throw new UsageError(`${variable} ${rule}`);
  }
  const settingsKey = reader.key("SETTINGS_KEY");
  const currency = reader.optional("CURRENCY") ?? "OMR";
  if (!Intl.supportedValuesOf("currency").includes(currency))
    throw new UsageError("CURRENCY must be the ISO 4217 code of a currency in use, such as OMR");
  const home = `https://${known.sovereignFqdn}`;
  return {
    fixedKeys: secretKey === undefined ? undefined : { secretKey, webhookSecret, publicKey },
    // Existing Sovereigns have a JWT secret and no other secret of their own.
    settingsKey: settingsKey ?? known.jwtSecret,
    apiBase: reader.httpUrl("STRIPE_API_BASE"),
    currency,
    successUrl: reader.httpUrl("SUCCESS_URL") ?? `${home}/?checkout=paid`,
    cancelUrl: reader.httpUrl("CANCEL_URL") ?? `${home}/?checkout=cancelled`,
  };
}
