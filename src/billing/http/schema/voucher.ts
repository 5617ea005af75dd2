import Type from "typebox";
import { MAX_CODE_LENGTH, MAX_OMR } from "../../voucher/voucher.ts";
import { nullable, timestamp } from "./field.ts";

const INT4_MIN = -2_147_483_648;

/** Read-only members: the older admin UI posts whole rows back, so they are taken and ignored. */
const ignored = Type.Unsafe<unknown>({ description: "Read only: accepted and ignored." });

const readOnlyMembers = {
  times_redeemed: Type.Optional(ignored),
  created_at: Type.Optional(ignored),
  deleted_at: Type.Optional(ignored),
};

const codeOf = (description = "") =>
  Type.String({
    maxLength: MAX_CODE_LENGTH,
    description: `Compared without case and surrounding blanks. New codes match ^[A-Z0-9][A-Z0-9_-]{2,63}$ in upper case.${description}`,
  });

const code = codeOf();

const creditOmr = Type.Integer({
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
