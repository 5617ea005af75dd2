import Type from "typebox";

export const RedemptionDaysAnswer = Type.Array(
  Type.Object(
    {
      date: Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$", description: "A day in UTC." }),
      redemptions: Type.Integer(),
      granted_baisa: Type.Integer({ description: "The credit that these redemptions granted." }),
      granted_omr: Type.Number(),
    },
    { additionalProperties: false },
  ),
);

export const BalancesAnswer = Type.Array(
  Type.Object(
    {
      customer_id: Type.String({ format: "uuid" }),
      user_id: Type.String(),
      email: Type.String(),
      credit_baisa: Type.Integer({ description: "Below zero: a debt from the earlier service." }),
      credit_omr: Type.Number(),
    },
    { additionalProperties: false },
  ),
);
