import type { Static } from "typebox";
import Type from "typebox";
import { claimOf } from "../../db/idempotency.ts";
import { RequestError, VoucherError } from "../../errors.ts";
import { actorOf } from "../../voucher/audit.ts";
import type { VoucherFilter } from "../../voucher/list.ts";
import { type VoucherTerms, voucherKey } from "../../voucher/voucher.ts";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import type { IssueLimiter } from "../limit/issue-limiter.ts";
import type { PreviewLimiter } from "../limit/preview-limiter.ts";
import { ADMINS, type Answer, json, type Operation, operation } from "../operation.ts";
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
import {
  IssueBody,
  PreviewAnswer,
  PreviewBody,
  PromoBody,
  UpdateBody,
  VoucherAnswer,
} from "../schema/voucher.ts";

const MAX_SEARCH_LENGTH = 200;
const listQuery = {
  ...pageQuery,
  active: Type.Boolean({ description: "Only vouchers whose member `active` is this." }),
  q: Type.String({
    maxLength: MAX_SEARCH_LENGTH,
    description: "Part of the code or the description, in any case; no wildcards. Blank: all.",
  }),
};

/** The voucher endpoints, and the older surface under /billing/admin/promos, which is the same service by other paths. */
export function voucherOperations(deps: {
  vouchers: VoucherService;
  limiter: PreviewLimiter;
  issueLimiter: IssueLimiter;
}): Operation[] {
  const { vouchers, limiter, issueLimiter } = deps;

  const list = async ({ query }: { query: Readonly<Record<string, string>> }) => {
    const limit = parseLimit(query.limit);
    const filter = parseFilter(query);
    const after = query.cursor === undefined ? undefined : parseCursor(query.cursor);
    const page = await vouchers.list(limit, after, filter);
    const link =
      page.next && linkOf({ limit, cursor: formatCursor(page.next), active: filter.active, q: filter.text });
    return json(page.vouchers, 200, link === undefined ? {} : { Link: link });
  };

  const issue = (id: string, path: string, summary: string, body: typeof IssueBody | typeof PromoBody) =>
    operation({
      id,
      method: "post",
      path,
      summary,
      access: ADMINS,
      body,
      takesIdempotencyKey: true,
      answers: { 200: VoucherAnswer },
      raises: ["voucher_invalid", "voucher_blank", "grant_exceeded", "grants_unavailable", "rate_limited"],
      async handle({ body, caller, idempotencyKey }) {
        await issueLimiter(caller);
        const claim = claimOf(caller.userId, idempotencyKey, ["POST", path, body]);
        return json(await vouchers.issue(body.code, termsOf(body), actorOf(caller), claim));
      },
    });

  const revoke = (id: string, path: string, summary: string) =>
    operation({
      id,
      method: "delete",
      path,
      summary,
      access: ADMINS,
      blankParams: ["code"],
      answers: { 200: OkAnswer },
      raises: ["voucher_not_found", "voucher_blank"],
      async handle({ params, caller }) {
        await vouchers.revoke(params.code ?? "", actorOf(caller));
        return json({ ok: true });
      },
    });

  return [
    issue(
      "issueVoucher",
      "/billing/vouchers/issue",
      "Issue a voucher, change its terms, or bring a revoked one back",
      IssueBody,
    ),
    operation({
      id: "listVouchers",
      method: "get",
      path: "/billing/vouchers/list",
      summary: "Live vouchers, newest first",
      access: ADMINS,
      query: listQuery,
      answers: { 200: Type.Array(VoucherAnswer) },
      answerHeaders: NEXT_PAGE,
      handle: list,
    }),
    revoke("revokeVoucher", "/billing/vouchers/revoke/{code}", "Revoke a live voucher"),
    operation({
      id: "previewVoucher",
      method: "post",
      path: "/billing/vouchers/redeem-preview",
      summary: "Validate a voucher without consuming it",
      access: "anyone",
      body: PreviewBody,
      answers: { 200: PreviewAnswer, 410: PreviewAnswer },
      raises: ["voucher_not_found", "voucher_blank", "rate_limited"],
      async handle({ body, client }): Promise<Answer> {
        const found = await limiter.admit(client, () => vouchers.preview(body.code));
        // Never existed and revoked are one answer, made in one place.
        if (found === undefined)
          throw new VoucherError("voucher_not_found", "no voucher has this code: check the code");
        return json(found, found.accepting_redemptions ? 200 : 410);
      },
    }),
    operation({
      id: "listPromos",
      method: "get",
      path: "/billing/admin/promos",
      summary: "The older list: as /billing/vouchers/list",
      access: ADMINS,
      query: listQuery,
      answers: { 200: Type.Array(VoucherAnswer) },
      answerHeaders: NEXT_PAGE,
      handle: list,
    }),
    issue(
      "upsertPromo",
      "/billing/admin/promos",
      "The older upsert: as /billing/vouchers/issue, with a code",
      PromoBody,
    ),
    operation({
      id: "updatePromo",
      method: "put",
      path: "/billing/admin/promos/{code}",
      summary: "Change the named terms of a live voucher",
      access: ADMINS,
      blankParams: ["code"],
      body: UpdateBody,
      answers: { 200: VoucherAnswer },
      raises: [
        "voucher_not_found",
        "voucher_blank",
        "voucher_invalid",
        "grant_exceeded",
        "grants_unavailable",
      ],
      async handle({ params, body, caller }) {
        const code = params.code ?? "";
        if (body.code !== undefined && voucherKey(body.code) !== voucherKey(code)) {
          throw new RequestError(
            "request_invalid",
            "/code differs from the code in the path: a voucher keeps its code",
            {
              fields: [{ field: "/code", rule: "must be the code in the path" }],
            },
          );
        }
        return json(await vouchers.update(code, namedTerms(body), actorOf(caller)));
      },
    }),
    revoke(
      "deletePromo",
      "/billing/admin/promos/{code}",
      "The older revoke: as /billing/vouchers/revoke/{code}",
    ),
  ];
}

/** An issue says everything: what it leaves out takes its default, so equal bodies leave equal vouchers. */
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

function namedTerms(body: Static<typeof UpdateBody>): Partial<VoucherTerms> {
  const { code, times_redeemed, created_at, deleted_at, ...terms } = body;
  return terms as Partial<VoucherTerms>;
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
