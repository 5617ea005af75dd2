import Type from "typebox";
import { money, nullable, timestamp } from "./field.ts";

export const BalanceAnswer = Type.Object(
  {
    credit_omr: Type.Number(),
    credit_baisa: Type.Integer(),
    entries: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          ...money,
          reason: Type.String(),
          order_id: Type.String(),
          created_at: nullable(timestamp("When the entry was written.")),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

export const OrderAnswer = Type.Object(
  {
    id: Type.String(),
    customer_id: nullable(Type.String()),
    tenant_id: nullable(Type.String()),
    plan_id: nullable(Type.String()),
    apps: Type.Unsafe<unknown>({}),
    addons: Type.Unsafe<unknown>({}),
    ...money,
    status: nullable(Type.String()),
    stripe_session_id: Type.String(),
    created_at: nullable(timestamp("When the order was placed.")),
    promo_code: Type.String(),
    promo_deleted: Type.Boolean(),
    sovereign: Type.String(),
  },
  { additionalProperties: false },
);

export const SubscriptionAnswer = Type.Object(
  {
    id: Type.String(),
    customer_id: nullable(Type.String()),
    tenant_id: nullable(Type.String()),
    stripe_subscription_id: Type.String(),
    plan_id: nullable(Type.String()),
    status: nullable(Type.String()),
    current_period_start: nullable(timestamp("When the period begins.")),
    current_period_end: nullable(timestamp("When the period ends.")),
    created_at: nullable(timestamp("When it was created.")),
    updated_at: nullable(timestamp("When it was changed.")),
  },
  { additionalProperties: false },
);

export const InvoiceAnswer = Type.Object(
  {
    id: Type.String(),
    customer_id: nullable(Type.String()),
    tenant_id: nullable(Type.String()),
    stripe_invoice_id: Type.String(),
    amount_omr: nullable(Type.Number()),
    amount_baisa: nullable(Type.Integer()),
    currency: nullable(Type.String()),
    status: nullable(Type.String()),
    period_start: nullable(timestamp("When the period begins.")),
    period_end: nullable(timestamp("When the period ends.")),
    pdf_url: Type.String(),
    created_at: nullable(timestamp("When it was created.")),
  },
  { additionalProperties: false },
);
