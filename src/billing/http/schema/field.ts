import Type, { type TSchema } from "typebox";

export const nullable = (schema: TSchema) => Type.Union([schema, Type.Null()]);

export const timestamp = (description: string) =>
  Type.String({ format: "date-time", maxLength: 40, description });

/** The ids of orders, customers and bulk issues. */
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** The spelling that the service writes. A cursor with another spelling was not made by the service. */
export const WRITTEN_UUID = new RegExp(UUID.source);

export const money = { amount_omr: Type.Number(), amount_baisa: Type.Integer() };

export const OkAnswer = Type.Object({ ok: Type.Literal(true) }, { additionalProperties: false });
