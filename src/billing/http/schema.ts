import Type, { type TSchema } from "typebox";
import { MAX_CODE_LENGTH, MAX_OMR } from "../voucher.ts";

const INT4_MIN = -2_147_483_648;

export const nullable = (schema: TSchema) => Type.Union([schema, Type.Null()]);
export const timestamp = (description: string) =>
  Type.String({ format: "date-time", maxLength: 40, description });
/** Read-only members: the older admin UI posts whole rows back, so they are taken and ignored. */
const ignored = Type.Unsafe<unknown>({ description: "Read only: accepted and ignored." });
const readOnlyMembers = {
  times_redeemed: Type.Optional(ignored),
  created_at: Type.Optional(ignored),
  deleted_at: Type.Optional(ignored),
};

const codeOf = (description = "") =>
  Type.String({
    minLength: 1,
    maxLength: MAX_CODE_LENGTH,
    description: `Compared without case and surrounding blanks. New codes match ^[A-Z0-9][A-Z0-9_-]{2,63}$ in upper case.${description}`,
  });
const code = codeOf();
export const creditOmr = Type.Integer({
  minimum: INT4_MIN,
  maximum: MAX_OMR,
  description: "Whole OMR above 0. An adopted voucher may be sent back with the credit that it has.",
});
const maxRedemptions = Type.Integer({
  minimum: INT4_MIN,
  maximum: MAX_OMR,
  description:
    "0 = unlimited. Below the number of redemptions: ended. Negative only as an adopted voucher has it.",
});
export const terms = {
  description: Type.String({ maxLength: 10_000 }),
  active: Type.Boolean(),
  max_redemptions: maxRedemptions,
  starts_at: nullable(timestamp("Redemptions begin.")),
  expires_at: nullable(timestamp("Redemptions end.")),
};

const issueMembers = {
  credit_omr: creditOmr,
  description: Type.Optional(terms.description),
  active: Type.Optional(Type.Boolean({ description: "Left out: true." })),
  max_redemptions: Type.Optional(terms.max_redemptions),
  starts_at: Type.Optional(terms.starts_at),
  expires_at: Type.Optional(terms.expires_at),
  ...readOnlyMembers,
};

export const IssueBody = Type.Object(
  {
    code: Type.Optional(codeOf(" Left out: one is drawn at random.")),
    ...issueMembers,
  },
  { additionalProperties: false },
);

/** The older surface: a code that is missing there was forgotten. */
export const PromoBody = Type.Object({ code, ...issueMembers }, { additionalProperties: false });

export const UpdateBody = Type.Object(
  {
    code: Type.Optional(code),
    credit_omr: Type.Optional(creditOmr),
    description: Type.Optional(terms.description),
    active: Type.Optional(terms.active),
    max_redemptions: Type.Optional(terms.max_redemptions),
    starts_at: Type.Optional(terms.starts_at),
    expires_at: Type.Optional(terms.expires_at),
    ...readOnlyMembers,
  },
  { additionalProperties: false },
);

export const PreviewBody = Type.Object(
  { code: Type.String({ maxLength: MAX_CODE_LENGTH }) },
  { additionalProperties: false },
);

const identifiers = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  maxItems: 200,
  uniqueItems: true,
});

export const CheckoutBody = Type.Object(
  {
    plan_id: Type.String({ minLength: 1, maxLength: 200 }),
    apps: Type.Optional(nullable(identifiers)),
    addons: Type.Optional(nullable(identifiers)),
    tenant_id: Type.String({
      minLength: 1,
      maxLength: 200,
      pattern: "^[^\\u0000-\\u001f\\u007f]*[^\\s\\u0000-\\u001f\\u007f][^\\u0000-\\u001f\\u007f]*$",
    }),
    promo_code: Type.Optional(
      nullable(Type.String({ maxLength: MAX_CODE_LENGTH, description: "Blank means none." })),
    ),
  },
  { additionalProperties: false },
);

const stripeKey = Type.Optional(
  Type.String({
    maxLength: 255,
    pattern: "^[\\x21-\\x7e]*$",
    description: "Absent or empty: left as it is.",
  }),
);
export const SettingsBody = Type.Object(
  { stripe_secret_key: stripeKey, stripe_webhook_secret: stripeKey, stripe_public_key: stripeKey },
  { additionalProperties: false },
);

export const VoucherAnswer = Type.Object(
  {
    code: Type.String(),
    credit_omr: Type.Integer(),
    description: Type.String(),
    active: Type.Boolean(),
    max_redemptions: Type.Integer(),
    times_redeemed: Type.Integer(),
    created_at: Type.Optional(timestamp("First issued.")),
    deleted_at: Type.Optional(timestamp("Revoked.")),
    starts_at: Type.Optional(timestamp("Redemptions begin.")),
    expires_at: Type.Optional(timestamp("Redemptions end.")),
  },
  { additionalProperties: false },
);

export const PreviewAnswer = Type.Object(
  {
    code: Type.String(),
    credit_omr: Type.Integer(),
    description: Type.String(),
    active: Type.Boolean(),
    accepting_redemptions: Type.Boolean(),
  },
  { additionalProperties: false },
);

export const OkAnswer = Type.Object({ ok: Type.Literal(true) }, { additionalProperties: false });

export const CheckoutAnswer = Type.Object(
  {
    order_id: Type.String({ format: "uuid" }),
    paid_by_credit: Type.Optional(
      Type.Literal(true, { description: "Credit covers the order, which is placed." }),
    ),
    session_url: Type.Optional(
      Type.String({
        description: "Where the rest is paid; the order is placed once it is. Absent when credit covers it.",
      }),
    ),
    credit_balance: Type.Number({ description: "OMR, a decimal number." }),
    credit_balance_baisa: Type.Integer({ description: "The truth." }),
  },
  { additionalProperties: false },
);

const money = { amount_omr: Type.Number(), amount_baisa: Type.Integer() };
const orNull = (schema: TSchema) => nullable(schema);

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
          created_at: orNull(timestamp("Written.")),
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
    customer_id: orNull(Type.String()),
    tenant_id: orNull(Type.String()),
    plan_id: orNull(Type.String()),
    apps: Type.Unsafe<unknown>({}),
    addons: Type.Unsafe<unknown>({}),
    ...money,
    status: orNull(Type.String()),
    stripe_session_id: Type.String(),
    created_at: orNull(timestamp("Placed.")),
    promo_code: Type.String(),
    promo_deleted: Type.Boolean(),
    sovereign: Type.String(),
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

export const SettingsAnswer = Type.Object(
  {
    stripe_secret_key_configured: Type.Boolean(),
    stripe_secret_key_last4: Type.String(),
    stripe_webhook_secret_configured: Type.Boolean(),
    stripe_webhook_secret_last4: Type.String(),
    stripe_public_key: Type.String(),
    updated_at: orNull(timestamp("Changed.")),
  },
  { additionalProperties: false },
);

export const SubscriptionAnswer = Type.Object(
  {
    id: Type.String(),
    customer_id: orNull(Type.String()),
    tenant_id: orNull(Type.String()),
    stripe_subscription_id: Type.String(),
    plan_id: orNull(Type.String()),
    status: orNull(Type.String()),
    current_period_start: orNull(timestamp("Begins.")),
    current_period_end: orNull(timestamp("Ends.")),
    created_at: orNull(timestamp("Created.")),
    updated_at: orNull(timestamp("Changed.")),
  },
  { additionalProperties: false },
);

export const InvoiceAnswer = Type.Object(
  {
    id: Type.String(),
    customer_id: orNull(Type.String()),
    tenant_id: orNull(Type.String()),
    stripe_invoice_id: Type.String(),
    amount_omr: orNull(Type.Number()),
    amount_baisa: orNull(Type.Integer()),
    currency: orNull(Type.String()),
    status: orNull(Type.String()),
    period_start: orNull(timestamp("Begins.")),
    period_end: orNull(timestamp("Ends.")),
    pdf_url: Type.String(),
    created_at: orNull(timestamp("Created.")),
  },
  { additionalProperties: false },
);

export const ReadyAnswer = Type.Object(
  {
    status: Type.Literal("ok"),
    schema: Type.Object(
      { version: Type.String(), fingerprint: Type.String() },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);

export const NotReadyAnswer = Type.Object(
  { status: Type.Union([Type.Literal("unavailable"), Type.Literal("draining")]), reason: Type.String() },
  { additionalProperties: false },
);

export const ProblemAnswer = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String(),
    error: Type.String({ description: "The older form of detail." }),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), rule: Type.String() }, { additionalProperties: false })),
    ),
  },
  { additionalProperties: false },
);
