import Type, { type TSchema } from "typebox";

export const nullable = (schema: TSchema) => Type.Union([schema, Type.Null()]);

export const timestamp = (description: string) =>
  Type.String({ format: "date-time", maxLength: 40, description });

export const money = { amount_omr: Type.Number(), amount_baisa: Type.Integer() };

export const OkAnswer = Type.Object({ ok: Type.Literal(true) }, { additionalProperties: false });
