import Type from "typebox";
import { MAX_CODE_LENGTH, MAX_OMR, STANDINGS } from "../../voucher/voucher.ts";
import { nullable, timestamp } from "./field.ts";

const INT4_MIN = -2_147_483_648;

/** Read-only members. The earlier admin UI posts whole rows back, so these are accepted and ignored. */
const ignored = Type.Unsafe<unknown>({ description: "Read only: accepted and ignored." });

const readOnlyMembers = {
  times_redeemed: Type.Optional(ignored),
  created_at: Type.Optional(ignored),
  deleted_at: Type.Optional(ignored),
  standing: Type.Optional(ignored),
};

const codeOf = (description = "") =>
  Type.String({
    maxLength: MAX_CODE_LENGTH,
    description: `Case and surrounding blanks do not count. New codes match ^[A-Z0-9][A-Z0-9_-]{2,63}$ in upper case.${description}`,
  });

const code = codeOf();

const creditOmr = Type.Integer({
  minimum: INT4_MIN,
  maximum: MAX_OMR,
  description:
    "Whole units of the Sovereign's currency, above 0. An adopted voucher may keep another value that it already has.",
});

const maxRedemptions = Type.Integer({
  minimum: INT4_MIN,
  maximum: MAX_OMR,
  description:
    "0 = unlimited. A cap below the number of redemptions ends the voucher. Negative only where an adopted voucher already has that value.",
});

export const terms = {
  description: Type.String({ maxLength: 10_000 }),
  active: Type.Boolean(),
  max_redemptions: maxRedemptions,
  starts_at: nullable(timestamp("When redemptions begin.")),
  expires_at: nullable(timestamp("When redemptions end.")),
};

const issueMembers = {
  credit_omr: creditOmr,
  description: Type.Optional(terms.description),
  active: Type.Optional(Type.Boolean({ description: "Default: true." })),
  max_redemptions: Type.Optional(terms.max_redemptions),
  starts_at: Type.Optional(terms.starts_at),
  expires_at: Type.Optional(terms.expires_at),
  ...readOnlyMembers,
};

export const IssueBody = Type.Object(
  {
    code: Type.Optional(codeOf(" Default: a random code.")),
    ...issueMembers,
  },
  { additionalProperties: false },
);

/** The earlier service's paths never draw a code, so they require one. */
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

const recordMembers = {
  code: Type.String(),
  credit_omr: Type.Integer(),
  description: Type.String(),
  active: Type.Boolean(),
  max_redemptions: Type.Integer(),
  times_redeemed: Type.Integer(),
  created_at: Type.Optional(timestamp("When the voucher was first issued.")),
  deleted_at: Type.Optional(timestamp("When the voucher was revoked.")),
  starts_at: Type.Optional(timestamp("When redemptions begin.")),
  expires_at: Type.Optional(timestamp("When redemptions end.")),
};

/** A voucher without its standing, which depends on the time. The earlier service's answers have these members. */
export const VoucherRecordAnswer = Type.Object(recordMembers, { additionalProperties: false });

export const standing = Type.Enum([...STANDINGS], {
  description:
    "`scheduled`: it begins later. `live`: it can be redeemed. `paused`: `active` is false. `used_up`: no redemption is left. `expired` and `revoked`: it has ended.",
});

export const VoucherAnswer = Type.Object({ ...recordMembers, standing }, { additionalProperties: false });

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
