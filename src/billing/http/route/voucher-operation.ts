import type { Static } from "typebox";
import Type from "typebox";
import { claimOf } from "../../db/idempotency.ts";
import { actorOf } from "../../voucher/audit.ts";
import type { VoucherFilter } from "../../voucher/list.ts";
import type { VoucherTerms } from "../../voucher/voucher.ts";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import type { IssueLimiter } from "../limit/issue-limiter.ts";
import { ADMINS, json, type Operation, operation } from "../operation.ts";
import {
  formatCursor,
  linkOf,
  NEXT_PAGE,
  pageQuery,
  parameterError,
  parseCursor,
  parseLimit,
} from "../paging.ts";
import { OkAnswer } from "../schema/field.ts";
import { type IssueBody, type PromoBody, VoucherAnswer } from "../schema/voucher.ts";

/** What names an operation: the two surfaces offer the same operations under different paths. */
interface Place {
  id: string;
  path: string;
  summary: string;
}

const MAX_SEARCH_LENGTH = 200;

export function listOperation({ vouchers }: { vouchers: VoucherService }, place: Place): Operation {
  return operation({
    ...place,
    method: "get",
    access: ADMINS,
    query: {
      ...pageQuery,
      active: Type.Boolean({ description: "Only vouchers with this value of `active`." }),
      q: Type.String({
        maxLength: MAX_SEARCH_LENGTH,
        description:
          "Only vouchers with this text in the code or the description, in upper or lower case. There are no wildcards. Blank: all vouchers.",
      }),
    },
    answers: { 200: Type.Array(VoucherAnswer) },
    answerHeaders: NEXT_PAGE,
    async handle({ query }) {
      const limit = parseLimit(query.limit);
      const filter = parseFilter(query);
      const after = query.cursor === undefined ? undefined : parseCursor(query.cursor);
      const page = await vouchers.list(limit, after, filter);
      const link =
        page.next &&
        linkOf({ limit, cursor: formatCursor(page.next), active: filter.active, q: filter.text });
      return json(page.vouchers, 200, link === undefined ? {} : { Link: link });
    },
  });
}

export function issueOperation(
  { vouchers, issueLimiter }: { vouchers: VoucherService; issueLimiter: IssueLimiter },
  { body, ...place }: Place & { body: typeof IssueBody | typeof PromoBody },
): Operation {
  return operation({
    ...place,
    method: "post",
    access: ADMINS,
    body,
    takesIdempotencyKey: true,
    answers: { 200: VoucherAnswer },
    raises: ["voucher_invalid", "voucher_blank", "grant_exceeded", "grants_unavailable", "rate_limited"],
    async handle({ body: asked, caller, idempotencyKey }) {
      await issueLimiter(caller);
      const claim = claimOf(caller.userId, idempotencyKey, ["POST", place.path, asked]);
      return json(await vouchers.issue(asked.code, termsOf(asked), actorOf(caller), claim));
    },
  });
}

export function revokeOperation({ vouchers }: { vouchers: VoucherService }, place: Place): Operation {
  return operation({
    ...place,
    method: "delete",
    access: ADMINS,
    blankParams: ["code"],
    answers: { 200: OkAnswer },
    raises: ["voucher_not_found", "voucher_blank"],
    async handle({ params, caller }) {
      await vouchers.revoke(params.code ?? "", actorOf(caller));
      return json({ ok: true });
    },
  });
}

/** An issue sets every term: a member that is left out gets its default, so equal bodies give equal vouchers. */
function termsOf(body: Static<typeof IssueBody>): VoucherTerms {
  return {
    credit_omr: body.credit_omr,
    description: body.description ?? "",
    active: body.active ?? true,
    max_redemptions: body.max_redemptions ?? 0,
    starts_at: (body.starts_at as string | null | undefined) ?? null,
    expires_at: (body.expires_at as string | null | undefined) ?? null,
  };
}

function parseFilter({ active, q }: Readonly<Record<string, string>>): VoucherFilter {
  if (active !== undefined && active !== "true" && active !== "false")
    throw parameterError("active", "must be true or false");
  const text = q?.trim() ?? "";
  if (text.length > MAX_SEARCH_LENGTH)
    throw parameterError("q", `must have at most ${MAX_SEARCH_LENGTH} characters`);
  return {
    ...(active === undefined ? {} : { active: active === "true" }),
    ...(text === "" ? {} : { text }),
  };
}
