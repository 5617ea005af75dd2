import Type from "typebox";
import { MAX_CODE_LENGTH } from "../../voucher/voucher.ts";
import { nullable } from "./field.ts";

// The id of an app is the name of a Blueprint.
const identifiers = Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
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
      nullable(Type.String({ maxLength: MAX_CODE_LENGTH, description: "Blank: no voucher." })),
    ),
  },
  { additionalProperties: false },
);

export const CheckoutAnswer = Type.Object(
  {
    order_id: Type.String({ format: "uuid" }),
    paid_by_credit: Type.Optional(
      Type.Literal(true, { description: "Credit covers the order, and the order is placed." }),
    ),
    session_url: Type.Optional(
      Type.String({
        description:
          "The address where the customer pays the rest. The order is placed after the payment. Absent when credit covers the order.",
      }),
    ),
    credit_balance: Type.Number({ description: "In the Sovereign's currency, a decimal number." }),
    credit_balance_baisa: Type.Integer({ description: "In thousandths of the currency: the exact amount." }),
  },
  { additionalProperties: false },
);
