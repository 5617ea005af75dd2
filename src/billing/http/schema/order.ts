import Type from "typebox";
import { money, nullable, timestamp } from "./field.ts";

export const OwnOrderAnswer = Type.Object(
  {
    id: Type.String(),
    tenant_id: nullable(Type.String()),
    plan_id: nullable(Type.String()),
    apps: Type.Unsafe<unknown>({}),
    addons: Type.Unsafe<unknown>({}),
    ...money,
    credit_spent_baisa: nullable(
      Type.Integer({ description: "The part that credit pays. Null: the earlier service did not store it." }),
    ),
    card_baisa: nullable(
      Type.Integer({ description: "The part that a card pays. Null: credit covers the order." }),
    ),
    status: nullable(
      Type.String({
        description:
          "`pending`, `paid`, `expired`, `canceled`, `failed`, or `credited`: the payment became credit. Orders of the earlier service may have others.",
      }),
    ),
    promo_code: Type.String(),
    session_url: nullable(
      Type.String({ description: "Where the customer pays. Null unless the order waits for its payment." }),
    ),
    session_expires_at: nullable(timestamp("When the payment page expires.")),
    created_at: nullable(timestamp("When the order was made.")),
  },
  { additionalProperties: false },
);
