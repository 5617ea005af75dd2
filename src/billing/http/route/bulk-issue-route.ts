import Type from "typebox";
import type { Branding } from "../../branding.ts";
import { claimOf } from "../../db/idempotency.ts";
import { actorOf } from "../../voucher/audit.ts";
import { MAX_BULK_CODES } from "../../voucher/bulk-issue.ts";
import { MAX_OMR, type Voucher } from "../../voucher/voucher.ts";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import { formatCsv } from "../csv.ts";
import type { IssueLimiter } from "../limit/issue-limiter.ts";
import { ADMINS, type Answer, json, type Operation, operation } from "../operation.ts";
import { terms, VoucherAnswer } from "../schema/voucher.ts";

const PATH = "/billing/vouchers/bulk-issue";

const BulkBody = Type.Object(
  {
    count: Type.Integer({ minimum: 1, maximum: MAX_BULK_CODES }),
    prefix: Type.Optional(
      Type.String({
        pattern: "^([A-Za-z0-9]([A-Za-z0-9_-]{0,30}[A-Za-z0-9])?)?$",
        description: "In front of each code, with a dash after it; stored in upper case.",
      }),
    ),
    credit_omr: Type.Integer({ minimum: 1, maximum: MAX_OMR, description: "Whole OMR, for each voucher." }),
    // Ten thousand times what a single voucher may say would be 100 MB.
    description: Type.Optional(Type.String({ maxLength: 500 })),
    active: Type.Optional(Type.Boolean({ description: "Left out: true." })),
    max_redemptions: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_OMR,
        description: "For each voucher; 0 = unlimited. Left out: 1.",
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
/** A bulk issue counts against the issue limit as one for each so many codes. */
const CODES_PER_POINT = 1_000;

/** Many vouchers with drawn codes and the same terms, as a file to hand out. */
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
    summary: "Issue many vouchers with drawn codes: all of them or none",
    access: ADMINS,
    body: BulkBody,
    takesIdempotencyKey: true,
    answers: { 200: ["text/csv", Type.Array(VoucherAnswer)] },
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
      return {
        kind: "text",
        status: 200,
        contentType: "text/csv; charset=utf-8; header=present",
        text: formatCsv([COLUMNS, ...issued.map((voucher) => recordOf(voucher, redeemBase()))]),
        headers: { "Content-Disposition": 'attachment; filename="vouchers.csv"' },
      };
    },
  });

  /** People redeem where the Sovereign's own front end is. */
  function redeemBase(): string {
    return `https://${branding().hostname ?? sovereignFqdn}/redeem?code=`;
  }
}

function recordOf(voucher: Voucher, redeemBase: string): (string | number)[] {
  const { code, credit_omr, description, max_redemptions, starts_at = "", expires_at = "" } = voucher;
  return [code, credit_omr, description, max_redemptions, starts_at, expires_at, `${redeemBase}${code}`];
}

/** A file, unless the client takes JSON and does not name CSV. */
function wantsJson(accept: string | string[] | undefined): boolean {
  const ranges = [accept ?? []].flat().join(",").toLowerCase();
  return /\bapplication\/json\b/.test(ranges) && !/\btext\/csv\b/.test(ranges);
}
