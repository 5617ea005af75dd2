import Type from "typebox";
import type { Branding } from "../../branding.ts";
import { claimOf } from "../../db/idempotency.ts";
import { actorOf } from "../../voucher/audit.ts";
import { MAX_BULK_CODES } from "../../voucher/bulk-issue.ts";
import { MAX_OMR, type VoucherRecord } from "../../voucher/voucher.ts";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import { csvAnswer, wantsJson } from "../csv.ts";
import type { IssueLimiter } from "../limit/issue-limiter.ts";
import { ADMINS, type Answer, json, type Operation, operation } from "../operation.ts";
import { terms, VoucherRecordAnswer } from "../schema/voucher.ts";

const PATH = "/billing/vouchers/bulk-issue";

const BulkBody = Type.Object(
  {
    count: Type.Integer({ minimum: 1, maximum: MAX_BULK_CODES }),
    prefix: Type.Optional(
      Type.String({
        pattern: "^([A-Za-z0-9]([A-Za-z0-9_-]{0,30}[A-Za-z0-9])?)?$",
        description: "Begins each code, followed by a dash. Stored in upper case.",
      }),
    ),
    credit_omr: Type.Integer({
      minimum: 1,
      maximum: MAX_OMR,
      description: "Whole units of the Sovereign's currency, for each voucher.",
    }),
    // With the 10,000 characters that a single voucher may have, 10,000 vouchers would take 100 MB.
    description: Type.Optional(Type.String({ maxLength: 500 })),
    active: Type.Optional(Type.Boolean({ description: "Default: true." })),
    max_redemptions: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_OMR,
        description: "For each voucher. 0 = unlimited. Default: 1.",
      }),
    ),
    starts_at: Type.Optional(terms.starts_at),
    expires_at: Type.Optional(terms.expires_at),
  },
  { additionalProperties: false },
);

const COLUMNS = [
  "code",
  "credit_omr",
  "description",
  "max_redemptions",
  "starts_at",
  "expires_at",
  "redeem_url",
];
/** A bulk issue takes one point of the issue limit for each group of this many codes. */
const CODES_PER_POINT = 1_000;

/** Issues many vouchers with random codes and equal terms, and returns them as a file. */
export function bulkIssueOperation(deps: {
  vouchers: VoucherService;
  issueLimiter: IssueLimiter;
  branding: () => Branding;
  sovereignFqdn: string;
}): Operation {
  const { vouchers, issueLimiter, branding, sovereignFqdn } = deps;

  return operation({
    id: "issueVouchers",
    method: "post",
    path: PATH,
    summary: "Issue many vouchers with random codes: all of them, or none",
    access: ADMINS,
    body: BulkBody,
    takesIdempotencyKey: true,
    answers: { 200: ["text/csv", Type.Array(VoucherRecordAnswer)] },
    raises: ["voucher_invalid", "grant_exceeded", "grants_unavailable", "rate_limited"],
    async handle({ body, caller, idempotencyKey, headers }): Promise<Answer> {
      await issueLimiter(caller, Math.ceil(body.count / CODES_PER_POINT));
      const claim = claimOf(caller.userId, idempotencyKey, ["POST", PATH, body]);
      const issue = {
        count: body.count,
        prefix: body.prefix ?? "",
        terms: {
          credit_omr: body.credit_omr,
          description: body.description ?? "",
          active: body.active ?? true,
          max_redemptions: body.max_redemptions ?? 1,
          starts_at: (body.starts_at as string | null | undefined) ?? null,
          expires_at: (body.expires_at as string | null | undefined) ?? null,
        },
      };
      const issued = await vouchers.issueInBulk(issue, actorOf(caller), claim);
      if (wantsJson(headers.accept)) return json(issued);
      return csvAnswer("vouchers.csv", [
        COLUMNS,
        ...issued.map((voucher) => recordOf(voucher, redeemBase())),
      ]);
    },
  });

  /** Customers redeem at the Sovereign's own front end. */
  function redeemBase(): string {
    return `https://${branding().hostname ?? sovereignFqdn}/redeem?code=`;
  }
}

function recordOf(voucher: VoucherRecord, redeemBase: string): (string | number)[] {
  const { code, credit_omr, description, max_redemptions, starts_at = "", expires_at = "" } = voucher;
  return [code, credit_omr, description, max_redemptions, starts_at, expires_at, `${redeemBase}${code}`];
}
