import Type from "typebox";
import { VoucherAnswer } from "./voucher.ts";

export const ReadyAnswer = Type.Object(
  {
    status: Type.Literal("ok"),
    schema: Type.Object(
      {
        version: Type.String(),
        fingerprint: Type.String(),
        drift: Type.Optional(
          Type.Array(Type.String(), {
            description:
              "The differences from the schema that this program creates, one per object, at most 20.",
          }),
        ),
      },
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
    error: Type.String({ description: "The same text as `detail`, for older clients." }),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), rule: Type.String() }, { additionalProperties: false })),
    ),
    voucher: Type.Optional(VoucherAnswer),
  },
  { additionalProperties: false },
);
