import Type from "typebox";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import { ADMINS, json, type Operation, operation } from "../operation.ts";
import { cursorError, linkOf, NEXT_PAGE, pageQuery, parseLimit } from "../paging.ts";
import { nullable, timestamp } from "../schema/field.ts";
import { VoucherAnswer } from "../schema/voucher.ts";

const orNull = (description: string) => nullable(Type.String({ description }));

const AuditAnswer = Type.Object(
  {
    id: Type.String(),
    code: Type.String(),
    action: Type.String({ description: "issue, update, revive or revoke." }),
    at: timestamp("When it was changed."),
    actor: Type.String({ description: "Issuer and subject, as `issuer:subject`." }),
    issuer: orNull("The issuer of the token."),
    subject: orNull("The subject of the token."),
    token_id: orNull("The token's `jti`, or `sha256:…` of a token without `jti`."),
    token_issued_at: nullable(timestamp("When the token was issued.")),
    before: nullable(VoucherAnswer),
    after: nullable(VoucherAnswer),
  },
  { additionalProperties: false },
);

const CURSOR = /^[1-9]\d{0,17}$/;

export function voucherAuditOperation({ vouchers }: { vouchers: VoucherService }): Operation {
  return operation({
    id: "readVoucherAudit",
    method: "get",
    path: "/billing/vouchers/audit/{code}",
    summary: "The changes of a voucher, newest first, also after it was revoked",
    access: ADMINS,
    blankParams: ["code"],
    query: pageQuery,
    answers: { 200: Type.Array(AuditAnswer) },
    answerHeaders: NEXT_PAGE,
    raises: ["voucher_not_found", "voucher_blank"],
    async handle({ params, query }) {
      const code = params.code ?? "";
      const limit = parseLimit(query.limit);
      const { cursor } = query;
      if (cursor !== undefined && !CURSOR.test(cursor)) throw cursorError();
      const page = await vouchers.readAudit(code, limit, cursor);
      return json(
        page.entries,
        200,
        page.next === undefined ? {} : { Link: linkOf({ limit, cursor: page.next }) },
      );
    },
  });
}
