import Type from "typebox";
import { nullable, timestamp } from "./field.ts";

const stripeKey = Type.Optional(
  Type.String({
    maxLength: 255,
    pattern: "^[\\x21-\\x7e]*$",
    description: "Absent or empty: unchanged.",
  }),
);

export const SettingsBody = Type.Object(
  { stripe_secret_key: stripeKey, stripe_webhook_secret: stripeKey, stripe_public_key: stripeKey },
  { additionalProperties: false },
);

export const SettingsAnswer = Type.Object(
  {
    stripe_secret_key_configured: Type.Boolean(),
    stripe_secret_key_last4: Type.String(),
    stripe_webhook_secret_configured: Type.Boolean(),
    stripe_webhook_secret_last4: Type.String(),
    stripe_public_key: Type.String(),
    updated_at: nullable(timestamp("When it was changed.")),
  },
  { additionalProperties: false },
);

export const RevenueAnswer = Type.Object(
  {
    total_mrr: Type.Number(),
    total_mrr_baisa: Type.Integer(),
    total_customers: Type.Integer(),
    new_this_month: Type.Integer(),
    active_subscriptions: Type.Integer(),
    sovereign: Type.String(),
  },
  { additionalProperties: false },
);
