import Type from "typebox";

export const ReadyAnswer = Type.Object(
  {
    status: Type.Literal("ok"),
    schema: Type.Object(
      {
        version: Type.String(),
        fingerprint: Type.String(),
        drift: Type.Optional(
          Type.Array(Type.String(), {
            description: "What differs from the schema as this program made it: an object each, at most 20.",
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
    error: Type.String({ description: "The older form of detail." }),
    errors: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), rule: Type.String() }, { additionalProperties: false })),
    ),
  },
  { additionalProperties: false },
);
