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

export const MonthlyRevenueAnswer = Type.Object(
  {
    month: Type.String({ description: "A calendar month in UTC, YYYY-MM." }),
    sovereign: Type.String(),
    currency: Type.String({ description: "ISO 4217. The amounts are in its thousandths." }),
    ordered_baisa: Type.Integer({ description: "The prices of the orders that were placed." }),
    invoiced_baisa: Type.Integer({
      description: "Paid invoices of subscriptions that the earlier service opened and Stripe runs.",
    }),
    kept_as_credit_baisa: Type.Integer({
      description: "Card payments beyond an order, or for an order that had ended: they became credit.",
    }),
    charged_by_card_baisa: Type.Integer({
      description:
        "ordered + invoiced + kept_as_credit = charged_by_card + drawn_from_credit. Refunds are not subtracted.",
    }),
    drawn_from_credit_baisa: Type.Integer({ description: "Credit that paid for orders. It is not revenue." }),
    granted_by_voucher_baisa: Type.Integer({
      description: "Credit that redemptions granted, less what was taken back in the month.",
    }),
    refunded_baisa: Type.Integer({ description: "What cards got back." }),
  },
  { additionalProperties: false },
);
